localrules:
    dataset,
    latencies,
    report,


rule report:
    input:
        sources=local(LAYOUT.sources("report")),
        records=LAYOUT.records(),
        strips=LAYOUT.strip_lists(),
        pictures=LAYOUT.pictures(),
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
        f"{LAYOUT.report}/metrics.json",
        # Of the report's files those that every campaign has: what `snakemake --report` shows.
        report(
            f"{LAYOUT.report}/tables/coverage.csv",
            caption="../report/coverage.rst",
            category="Tables",
        ),
        report(
            f"{LAYOUT.report}/tables/summary.csv",
            caption="../report/summary.rst",
            category="Tables",
        ),
        report(
            f"{LAYOUT.report}/tables/accuracy.csv",
            caption="../report/accuracy.rst",
            category="Tables",
        ),
        report(
            f"{LAYOUT.report}/tables/training.csv",
            caption="../report/training.rst",
            category="Tables",
        ),
        report(
            f"{LAYOUT.report}/tables/durations.csv",
            caption="../report/durations.rst",
            category="Tables",
        ),
        report(
            f"{LAYOUT.report}/figures/tradeoff.svg",
            caption="../report/tradeoff.rst",
            category="Figures",
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
