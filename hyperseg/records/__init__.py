"""The typed record that every step writes and every report reads. Imports no torch."""

from hyperseg.records.schema import (
    SCHEMA_VERSION,
    ClassIoU,
    DatasetRef,
    EpochPoint,
    EvaluationNumbers,
    Interval,
    LatencyNumbers,
    Machine,
    NetworkRef,
    ProtocolRef,
    Provenance,
    Record,
    TrainingNumbers,
    Verdict,
    WeightsSource,
)
from hyperseg.records.store import read_record, read_records, sha256_file, write_record, write_text_atomic

__all__ = [
    "SCHEMA_VERSION",
    "ClassIoU",
    "DatasetRef",
    "EpochPoint",
    "EvaluationNumbers",
    "Interval",
    "LatencyNumbers",
    "Machine",
    "NetworkRef",
    "ProtocolRef",
    "Provenance",
    "Record",
    "TrainingNumbers",
    "Verdict",
    "WeightsSource",
    "read_record",
    "read_records",
    "sha256_file",
    "write_record",
    "write_text_atomic",
]
