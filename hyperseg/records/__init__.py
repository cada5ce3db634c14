"""The typed record that every step writes and every report reads. Imports no torch."""

from hyperseg.records.bench import BenchNumbers
from hyperseg.records.schema import (
    SCHEMA_VERSION,
    Calibration,
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
    Roofline,
    SweepPoint,
    TrainingNumbers,
    Verdict,
    WeightsSource,
)
from hyperseg.records.store import read_record, read_record_files, write_record

__all__ = [
    "SCHEMA_VERSION",
    "BenchNumbers",
    "Calibration",
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
    "Roofline",
    "SweepPoint",
    "TrainingNumbers",
    "Verdict",
    "WeightsSource",
    "read_record",
    "read_record_files",
    "write_record",
]
