# All cores of this machine, so that nothing runs beside a timed job; elsewhere the profile reserves a whole node. The
# machine that is timed is in the path.
rule latency:
    input:
        **code("latency", "{protocol}", "{engine}"),
        training=f"{LAYOUT.seed}/train.json",
        weights=ancient(f"{LAYOUT.seed}/weights.safetensors"),
    output:
        record=f"{LAYOUT.latency}/{{protocol}}-{LAYOUT.device}-{{engine}}-{{precision}}.json",
        samples=f"{LAYOUT.latency}/{{protocol}}-{LAYOUT.device}-{{engine}}-{{precision}}.parquet",
    log:
        f"{LAYOUT.logs}/{{variant}}/seed{{seed}}/latency/{{protocol}}-{LAYOUT.device}-{{engine}}-{{precision}}.log",
    priority: lambda wildcards: LAYOUT.priority(wildcards.variant, timed=True)
    conda:
        "../../environment.yml"
    threads: CORES
    resources:
        gpu=GPU,
    params:
        **code_param("latency", "{protocol}", "{engine}"),
        campaign=CAMPAIGN.campaign,
        device=LAYOUT.device,
        size=LAYOUT.latency_size,
    shell:
        "hyperseg latency --variant={wildcards.variant:q} --weights={input.weights:q} --campaign={params.campaign:q}"
        " --protocol={wildcards.protocol:q} --engine={wildcards.engine:q} --precision={wildcards.precision:q}"
        " --device={params.device:q} {params.size:q} --wait --out-file={output.record:q} > {log:q} 2>&1"


# One file for all latencies of a training on this machine, whose name needs no fingerprint: what dvc.yaml asks for.
rule latencies:
    input:
        lambda wildcards: LAYOUT.latencies(wildcards.variant, wildcards.seed),
    output:
        touch(LAYOUT.marker),
