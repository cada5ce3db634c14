"""The report's figures: matplotlib without a display, the same bytes for the same records."""
