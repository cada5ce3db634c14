"""The embedded dataset: generated driving scenes with CamVid's eleven classes, the same bytes on every machine."""

from __future__ import annotations

from hyperseg.streets.classes import CLASSES, Kind
from hyperseg.streets.generate import generate, render

__all__ = ["CLASSES", "Kind", "generate", "render"]
