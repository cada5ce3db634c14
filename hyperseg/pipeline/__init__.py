"""What the two engines share: a campaign's configuration, steps and paths, and the wrapper around Snakemake."""
