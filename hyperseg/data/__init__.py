"""Datasets: acquisition, the generated streets, prepared folders, transforms."""
