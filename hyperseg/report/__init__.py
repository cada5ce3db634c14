"""Reports: claims, tables, figures and the page, from records alone (no torch)."""
