# The training record holds the hash of the weights, so it stands for them: the time of a large file means nothing.
rule evaluate:
    input:
        **ARCHIVE,
        **code("evaluate", "{protocol}"),
        manifest=LAYOUT.manifest,
        training=f"{LAYOUT.seed}/train.json",
        weights=ancient(f"{LAYOUT.seed}/weights.safetensors"),
    output:
        record=f"{LAYOUT.seed}/evaluation-{{protocol}}.json",
        matrices=f"{LAYOUT.seed}/evaluation-{{protocol}}.npz",
    log:
        f"{LAYOUT.logs}/{{variant}}/seed{{seed}}/evaluation-{{protocol}}.log",
    priority: lambda wildcards: LAYOUT.priority(wildcards.variant)
    conda:
        "../../environment.yml"
    threads: CAMPAIGN.threads.evaluate
    resources:
        gpu=GPU,
        mem_mb=MEMORY_MB["evaluate"],
    params:
        **code_param("evaluate", "{protocol}"),
        config=CONFIG_FILE,
        input_hw=lambda wildcards: CAMPAIGN.evaluation.input_of(wildcards.variant),
        data=subpath(input.manifest, parent=True),
        split=CAMPAIGN.evaluation.split,
        threads=CAMPAIGN.threads.evaluate,
    shell:
        f"{UNPACK}"
        "hyperseg evaluate --weights={input.weights:q} --data={params.data:q} --split={params.split:q}"
        " --protocol={wildcards.protocol:q} --config={params.config:q} --threads={params.threads:q}"
        " --out={output.record:q} > {log:q} 2>&1"


if CAMPAIGN.report.strips:

    # Pictures of the images that were scored worst and best, for the page.
    rule strips:
        input:
            **ARCHIVE,
            **code("strips"),
            manifest=LAYOUT.manifest,
            scored=f"{LAYOUT.first_seed}/evaluation-{CAMPAIGN.strips_protocol}.json",
            matrices=f"{LAYOUT.first_seed}/evaluation-{CAMPAIGN.strips_protocol}.npz",
            weights=ancient(f"{LAYOUT.first_seed}/weights.safetensors"),
        output:
            listed=LAYOUT.strip_list,
            pictures=report(
                LAYOUT.strip_pictures,
                caption="../report/strips.rst",
                category="Pictures",
            ),
        log:
            f"{LAYOUT.logs}/{{variant}}/strips.log",
        priority: lambda wildcards: LAYOUT.priority(wildcards.variant)
        conda:
            "../../environment.yml"
        threads: CAMPAIGN.threads.evaluate
        resources:
            mem_mb=MEMORY_MB["evaluate"],
        params:
            **code_param("strips"),
            config=CONFIG_FILE,
            input_hw=lambda wildcards: CAMPAIGN.evaluation.input_of(wildcards.variant),
            data=subpath(input.manifest, parent=True),
            split=CAMPAIGN.evaluation.split,
            protocol=CAMPAIGN.strips_protocol,
            images=CAMPAIGN.report.strips,
            threads=CAMPAIGN.threads.evaluate,
            out=subpath(output.listed, parent=True),
        shell:
            f"{UNPACK}"
            "hyperseg overlay --weights={input.weights:q} --data={params.data:q} --split={params.split:q}"
            " --protocol={params.protocol:q} --record={input.scored:q} --config={params.config:q}"
            " --count={params.images:q} --stem={wildcards.variant:q} --format=jpg --device=cpu"
            " --threads={params.threads:q} --out={params.out:q} > {log:q} 2>&1"
