"""Shared by Snakemake and DVC: a campaign's configuration, steps and paths; and the wrapper around Snakemake."""
