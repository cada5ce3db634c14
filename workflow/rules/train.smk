rule train:
    input:
        **ARCHIVE,
        **code("train", "{variant}"),
        manifest=LAYOUT.manifest,
    output:
        weights=f"{LAYOUT.seed}/weights.safetensors",
        record=f"{LAYOUT.seed}/train.json",
    log:
        f"{LAYOUT.logs}/{{variant}}/seed{{seed}}/train.log",
    priority: lambda wildcards: LAYOUT.priority(wildcards.variant)
    conda:
        "../../environment.yml"
    threads: CAMPAIGN.threads.train
    resources:
        gpu=GPU,
        mem_mb=MEMORY_MB["train"],
    params:
        **code_param("train", "{variant}"),
        config=CONFIG_FILE,
        training=CAMPAIGN.training.model_dump(),  # an edit of these two makes the job stale
        threads=CAMPAIGN.threads.train,
        data=subpath(input.manifest, parent=True),
        out=subpath(output.weights, parent=True),
    shell:
        f"{UNPACK}"
        "hyperseg train --config={params.config:q} --variant={wildcards.variant:q} --seed={wildcards.seed:q}"
        " --data={params.data:q} --out={params.out:q} > {log:q} 2>&1"
