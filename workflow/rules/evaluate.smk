# The training record holds the hash of the weights, so it stands for them: the time of a large file means nothing.
rule evaluate:
    input:
        sources=LAYOUT.sources("evaluate"),
        manifest=LAYOUT.manifest,
        training=f"{LAYOUT.seed}/train.json",
        weights=ancient(f"{LAYOUT.seed}/weights.safetensors"),
    output:
        f"{LAYOUT.seed}/evaluation-{{protocol}}.json",
    log:
        f"{LAYOUT.logs}/{{variant}}/seed{{seed}}/evaluation-{{protocol}}.log",
    conda:
        "../../environment.yml"
    threads: CAMPAIGN.threads.evaluate
    resources:
        gpu=GPU,
        mem_mb=MEMORY_MB["evaluate"],
    params:
        config=CONFIG_FILE,
        input_hw=lambda wildcards: CAMPAIGN.evaluation.input_of(wildcards.variant),
        data=subpath(input.manifest, parent=True),
        split=CAMPAIGN.evaluation.split,
    shell:
        "hyperseg evaluate --weights {input.weights} --data {params.data} --split {params.split}"
        " --protocol {wildcards.protocol} --config {params.config} --out {output} > {log} 2>&1"
