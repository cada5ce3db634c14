if CAMPAIGN.dataset.streets:

    # The code is a parameter, not an input file: campaigns that share the folder have each a file for it, and another
    # campaign's would make the folder stale, and with it every training on it.
    rule streets:
        output:
            **ARCHIVE,
            manifest=LAYOUT.manifest,
            card=LAYOUT.card,
        log:
            f"{LAYOUT.logs}/data.log",
        conda:
            "../../environment.yml"
        params:
            **CAMPAIGN.dataset.streets.model_dump(),
            code=code_text("streets"),
            folder=subpath(output.manifest, parent=True),
        shell:
            "hyperseg data streets --out={params.folder:q} --train={params.train:q} --val={params.val:q}"
            " --test={params.test:q} --height={params.height:q} --width={params.width:q} --seed={params.seed:q}"
            " > {log:q} 2>&1"
            f"{PACK}"

else:

    # No package sources here: the copy is checked byte for byte, whatever code made it. The folder of the published
    # files is in the environment, because where it lies does not bear on what comes out.
    rule prepare:
        output:
            **ARCHIVE,
            manifest=LAYOUT.manifest,
            card=LAYOUT.card,
        log:
            f"{LAYOUT.logs}/data.log",
        conda:
            "../../environment.yml"
        params:
            id=CAMPAIGN.dataset.id,
            folder=subpath(output.manifest, parent=True),
        shell:
            'hyperseg data prepare {params.id:q} ${{HYPERSEG_SOURCE:+--source="$HYPERSEG_SOURCE"}}'
            " --out={params.folder:q} > {log:q} 2>&1"
            f"{PACK}"


# The dataset under a name of its own: what dvc.yaml asks for.
rule dataset:
    input:
        LAYOUT.manifest,
