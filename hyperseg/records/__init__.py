"""The typed record that every step writes and every report reads. Imports no torch."""

from hyperseg.records.bench import BenchNumbers
from hyperseg.records.latency import LatencyNumbers, Roofline, SweepPoint
from hyperseg.records.measurement import Answer, Calibration, Interval, Verdict
from hyperseg.records.schema import (
    SCHEMA_VERSION,
    ClassIoU,
    DatasetRef,
    EpochPoint,
    EvaluationNumbers,
    Machine,
    NetworkRef,
    ProtocolRef,
    Provenance,
    Record,
    TrainingNumbers,
    WeightsSource,
)
from hyperseg.records.store import read_record, read_record_files, write_record

__all__ = [
    "SCHEMA_VERSION",
    "Answer",
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
