"""Evaluation: confusion matrices, protocols, intervals."""
