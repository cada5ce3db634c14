localrules:
    dataset,
    latencies,
    report,


rule report:
    input:
        sources=local(LAYOUT.sources("report")),
        records=LAYOUT.records(),
        listed=local(RECORD_LIST),  # there may be more of them than a command line holds
        card=LAYOUT.card,
        paper=local(PAPER),
        peers=local(PEERS),
    output:
        report(
            f"{LAYOUT.report}/index.html",
            caption="../report/page.rst",
            category="Page",
        ),
        report(
            f"{LAYOUT.report}/metrics.json",
            caption="../report/metrics.rst",
            category="Page",
        ),
    log:
        f"{LAYOUT.logs}/report.log",
    conda:
        "../../environment.yml"
    params:
        title=CAMPAIGN.report.title,
        peers=[f"--peers={file}" for file in PEERS],
        out=subpath(output[0], parent=True),
    shell:
        "hyperseg report --out={params.out:q} --title={params.title:q} --card={input.card:q} --paper={input.paper:q}"
        " {params.peers:q} "
        f"{RECORDS}"
        " > {log:q} 2>&1"
