if CAMPAIGN.dataset.streets:

    rule streets:
        input:
            **code("streets"),
        output:
            **ARCHIVE,
            manifest=LAYOUT.manifest,
            card=LAYOUT.card,
        log:
            f"{LAYOUT.logs}/data.log",
        conda:
            "../../environment.yml"
        params:
            **code_param("streets"),
            **CAMPAIGN.dataset.streets.model_dump(),
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
