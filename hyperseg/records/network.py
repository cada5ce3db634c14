"""Describes a network of the suite for a record. Imports no torch."""

from typing import Any

from hyperseg.records.schema import NetworkRef, WeightsSource


def network_ref(model: Any, *, weights_sha256: str | None, gmacs: float | None = None) -> NetworkRef:
    """Describe a network made by ``hyperseg.networks.create_network``; `weights_sha256` is None for random weights."""
    source = model.backbone_weights
    return NetworkRef(
        id=model.variant.id,
        source=getattr(model, "source", "hyperseg"),
        num_classes=model.num_classes,
        backbone=model.backbone_name,
        backbone_weights=source and WeightsSource(source=source.source, file=source.file, sha256=source.sha256),
        slices=model.slices,
        weights_sha256=weights_sha256,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        gmacs=gmacs,
    )
