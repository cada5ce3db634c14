rule report:
    input:
        sources("report"),
        facts(),
        records=LAYOUT.records(),
    output:
        f"{LAYOUT.report}/index.html",
        f"{LAYOUT.report}/metrics.json",
    log:
        f"{LAYOUT.logs}/report.log",
    conda:
        "../../environment.yml"
    params:
        out=subpath(output[0], parent=True),
    shell:
        "hyperseg report --out {params.out} {input.records} > {log} 2>&1"
