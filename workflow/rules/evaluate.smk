# The training record holds the hash of the weights, so it stands for them: the time of a large file means nothing.
rule evaluate:
    input:
        **ARCHIVE,
        **code("evaluate", "{protocol}"),
        manifest=LAYOUT.manifest,
        training=f"{LAYOUT.seed}/train.json",
        weights=ancient(f"{LAYOUT.seed}/weights.safetensors"),
    output:
        record=report(
            f"{LAYOUT.seed}/evaluation-{{protocol}}.json",
            caption="../report/evaluation.rst",
            category="Evaluations",
            labels={
                "variant": "{variant}",
                "seed": "{seed}",
                "protocol": "{protocol}",
            },
        ),
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
