"""What distinguishes two evaluations of one network, in words for a reader."""

from collections.abc import Sequence

from hyperseg.report.collection import Collection, Evaluation, checkpoint, flips, normalization
from hyperseg.report.names import hw

Marks = tuple[str, ...]


def evaluation_marks(entry: Evaluation, collection: Collection) -> Marks:
    """Campaign, network and how it was scored; whatever two evaluations differ in goes beside their names.

    What goes without saying is empty: ImageNet's normalization, and one view of each image.
    """
    network, numbers = entry.record.network, entry.numbers
    weights = network.backbone_weights.source if network.backbone_weights else "random backbone"
    return (
        entry.record.campaign,
        network.source,
        network.backbone,
        weights,
        network.slices or "",
        f"{network.num_classes} classes",
        hw(numbers.input_height, numbers.input_width),
        f"checkpoint {checkpoint(entry, collection)}",
        "" if normalization(entry) in ("", "imagenet") else f"normalization {normalization(entry)}",
        "with mirror images" if flips(entry) else "",
    )


def titled(name: str, own: Marks, all_marks: Sequence[Marks]) -> str:
    """A name, and behind it those marks of its own that not all of its namesakes share."""
    differing = (mark for mark, values in zip(own, zip(*all_marks, strict=True), strict=True) if len(set(values)) > 1)
    return ", ".join(filter(None, (name, *differing)))
