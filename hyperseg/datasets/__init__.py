"""Datasets before they are prepared: what is published, download, checks, conversion to `hyperseg.data`'s layout."""
