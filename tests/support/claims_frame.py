"""A made-up frame of verdicts on claims, one of each verdict and more; no value of ours in it was measured."""

import pandas as pd

_COLUMNS = (
    "claim", "table", "row", "quantity", "unit", "paper", "ours", "low", "high", "difference", "tolerance", "verdict",
    "reason", "how", "records",
)  # fmt: skip
_NO_DATA = "needs Cityscapes, which needs an account"
_NO_GPU = "needs a GTX 1080 Ti"


def claims_frame(records: tuple[str, ...] = ()) -> pd.DataFrame:
    """`records` are the anchors of the first claim's number."""
    rows = [
        ("camvid_s_miou", "CamVid", "HyperSeg-S", "mIoU test", "%", 78.4, 78.1, 77.8, 78.4, -0.3, 0.6, "reproduced", None,
         "hyperseg run config/paper/camvid_s.yaml", list(records)),
        ("camvid_l_miou", "CamVid", "HyperSeg-L", "mIoU test", "%", 79.1, 78.7, 78.2, 79.2, -0.4, 0.6, "within noise", None,
         "hyperseg run config/paper/camvid_l.yaml", []),
        ("city_m_miou", "Cityscapes", "HyperSeg-M", "mIoU val", "%", 76.2, 74.3, 74.0, 74.6, -1.9, 0.5, "not reproduced", None,
         "hyperseg run config/paper/cityscapes_m.yaml", []),
        ("city_m_fps", "Cityscapes", "HyperSeg-M", "FPS", "images/s", 36.9, 45.0, 44.0, 46.0, 8.1, 1.8, "better", None,
         "hyperseg latency --variant cityscapes_hyperseg_m --protocol paper --device cuda", []),
        ("city_s_miou", "Cityscapes", "HyperSeg-S", "mIoU val", "%", 78.2, None, None, None, None, 0.5,
         "not measurable here", _NO_DATA, "hyperseg run config/paper/cityscapes_s.yaml", []),
        ("city_s_fps", "Cityscapes", "HyperSeg-S", "FPS", "images/s", 16.1, None, None, None, None, 0.8,
         "not measurable here", _NO_GPU, "hyperseg latency --variant cityscapes_hyperseg_s --protocol paper", []),
        ("voc_l_miou", "PASCAL VOC", "HyperSeg-L", "mIoU val", "%", 80.6, 55.9, 54.5, 57.1, -24.7, 0.5, "other protocol",
         "scored under another protocol", "hyperseg run config/paper/voc_l.yaml", []),
        ("city_order", "Orderings", "M against S", "M is faster at lower mIoU", None, None, None, None, None, None, None,
         "not measurable here", _NO_DATA, "make bench AUTHORS=DIR", []),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(_COLUMNS))
