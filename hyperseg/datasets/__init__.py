"""Datasets before they are prepared: catalogue, download, checks, conversion to the layout of `hyperseg.data`."""

from hyperseg.datasets.published import titles

__all__ = ["titles"]
