"""Datasets before they are prepared: catalogue, download, checks, conversion to the layout of `hyperseg.data`."""
