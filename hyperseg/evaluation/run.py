"""One evaluation, from a weights file to its record."""

import time
from datetime import UTC, datetime
from pathlib import Path

import torch
from torch import nn

from hyperseg.arithmetic import switches
from hyperseg.data.prepared import PreparedDataset
from hyperseg.data.reading import Normalization
from hyperseg.data.reference import dataset_ref
from hyperseg.errors import UserError
from hyperseg.evaluation.evaluate import score_images, summarize
from hyperseg.evaluation.protocol import EvaluationProtocol
from hyperseg.files import sha256_file
from hyperseg.records import Record, write_record
from hyperseg.records.network import network_ref
from hyperseg.records.provenance import provenance
from hyperseg.records.raw import write_matrices


def evaluate_to_record(
    model: nn.Module,
    weights: Path,
    dataset: PreparedDataset,
    split: str,
    protocol: EvaluationProtocol,
    out: Path,
    *,
    input_hw: tuple[int, int],
    device: torch.device,
    seed: int | None = None,
    campaign: str = "none",
    normalization: Normalization | None = None,
    flip: bool = False,
) -> Record:
    """Score `model`, whose weights came from the file `weights`, and write the record to `out`; returns it.

    The images' confusion matrices go beside it, as ``<name of out>.npz``, from which every number can be derived again.
    `normalization` and `flip` override the protocol's reading and are recorded. Raises :class:`UserError`.
    """
    started_at, started = datetime.now(UTC), time.monotonic()
    provenance_ = provenance(threads=torch.get_num_threads())
    reading = protocol.reading_of(dataset.id, released=weights.suffix != ".safetensors")
    if normalization:
        reading = reading.model_copy(update={"normalization": normalization})
    if flip:
        reading = reading.model_copy(update={"flip": True})
    scored = score_images(model.to(device), dataset, split, reading, input_hw=input_hw, device=device, live=True)
    numbers = summarize(scored, protocol, input_hw=input_hw, device=device.type)
    matrices = out.with_suffix(".npz")
    sha256 = write_matrices(matrices, scored.matrices, scored.images)
    numbers = numbers.model_copy(update={"matrices_file": matrices.name, "matrices_sha256": sha256})
    record = Record(
        campaign=campaign,
        network=network_ref(model, weights_sha256=sha256_file(weights)),
        protocol=protocol.ref,
        dataset=dataset_ref(dataset, split),
        seed=seed,
        config={
            "reading": reading.model_dump(mode="json"),
            "input_hw": list(input_hw),
            "batch": 1,
            "switches": switches(),
        },
        provenance=provenance_,
        started_at=started_at,
        duration_s=time.monotonic() - started,
        numbers=numbers,
    )
    try:
        write_record(out, record)
    except UserError:
        if not out.exists():  # matrices left over without a record
            matrices.unlink(missing_ok=True)
        raise
    return record
