# All cores, so that nothing runs beside a timed job; the machine's fingerprint is in the path.
rule latency:
    input:
        sources("latency"),
        training=f"{LAYOUT.first_seed}/train.json",
        weights=ancient(f"{LAYOUT.first_seed}/weights.safetensors"),
    output:
        f"{LAYOUT.latency}/{{protocol}}-{LAYOUT.device}-{{engine}}-{{precision}}.json",
    log:
        f"{LAYOUT.logs}/{{variant}}/latency/{{protocol}}-{LAYOUT.device}-{{engine}}-{{precision}}.log",
    conda:
        "../../environment.yml"
    threads: workflow.cores
    resources:
        gpu=GPU,
    params:
        device=LAYOUT.device,
        out=subpath(output[0], parent=True),
    shell:
        "hyperseg latency --variant {wildcards.variant} --weights {input.weights} --protocol {wildcards.protocol}"
        " --engine {wildcards.engine} --precision {wildcards.precision} --device {params.device}"
        " --out {params.out} > {log} 2>&1"
