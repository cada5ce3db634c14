"""Data that steps read: prepared folders, manifests, transforms, training batches."""
