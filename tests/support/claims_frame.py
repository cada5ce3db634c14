"""A made-up frame of verdicts on claims, one of each verdict and more; no value of ours in it was measured."""

from typing import Any

import pandas as pd

_NO_DATA = "needs Cityscapes, which needs an account"
_NO_GPU = "needs a GTX 1080 Ti"


def _claim(
    table: str, row: str, quantity: str, paper: float | None, tolerance: float | None, verdict: str,
    ours: tuple[float, float, float] | None = None, reason: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    value, low, high = ours or (None, None, None)
    return {
        "claim": f"{table}_{row}_{quantity}".lower().replace(" ", "_"), "table": table, "row": row,
        "quantity": quantity, "paper": paper, "ours": value, "low": low, "high": high,
        "difference": None if value is None or paper is None else round(value - paper, 6), "tolerance": tolerance,
        "verdict": verdict, "reason": reason, "how": "hyperseg run config/paper/a_campaign.yaml", "records": [],
    }  # fmt: skip


def claims_frame() -> pd.DataFrame:
    rows = [
        _claim("CamVid", "HyperSeg-S", "mIoU", 78.4, 0.6, "reproduced", (78.1, 77.8, 78.4)),
        _claim("CamVid", "HyperSeg-L", "mIoU", 79.1, 0.6, "within noise", (78.4, 78.0, 78.9)),
        _claim("Cityscapes", "HyperSeg-M", "mIoU", 76.2, 0.5, "not reproduced", (74.3, 74.0, 74.6)),
        _claim("Cityscapes", "HyperSeg-M", "FPS", 36.9, 1.8, "better", (45.0, 44.0, 46.0)),
        _claim("Cityscapes", "HyperSeg-S", "mIoU", 78.2, 0.5, "not measurable here", reason=_NO_DATA),
        _claim("Cityscapes", "HyperSeg-S", "FPS", 16.1, 0.8, "not measurable here", reason=_NO_GPU),
        _claim("PASCAL VOC", "HyperSeg-L", "mIoU", 80.6, 0.5, "other protocol", (55.9, 54.5, 57.1), "other data"),
        _claim("Orderings", "M against S", "faster", None, None, "not measurable here", reason=_NO_DATA),
    ]
    return pd.DataFrame(rows)
