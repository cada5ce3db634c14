"""What the two engines share: a campaign's configuration, the steps' sources and paths, the wrapper around Snakemake."""
