"""When a measurement is another protocol than the paper's, and on which card times are judged."""

import math
from pathlib import Path

import pytest
from perfect_user import READINGS, dataset_of, perfect_user, verdicts
from record_factory import latency, machine, network, training

from hyperseg.report.claims import Claims
from hyperseg.report.claims_speed import speed_ratios

RECIPE = {"recipe": {"epochs": 7}}
SHORT = {"config": RECIPE, "numbers": training(selection="best", selection_split="test", config=RECIPE).numbers}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"images": 232}, "scored on 232 images, the paper's number on 233"),
        ({"image_sizes": {"16x12": 233}}, "images of 16x12 pixels, the paper's 960x720"),
        ({"partial": True}, "scored on a partial copy of the dataset"),
        ({"split": "val"}, "scored on the split val, the paper's number on test"),
        ({"id": "camvid"}, "scored on CamVid, 11 merged classes; the paper's number is for CamVid, authors' 12"),
    ],
)  # fmt: skip
def test_other_data_is_another_protocol(tmp_path: Path, claims: Claims, change: dict[str, object], reason: str) -> None:
    variant = "camvid_hyperseg_s"
    records = perfect_user()
    for name in [name for name in records if name.startswith(variant) and "evaluation" in name]:
        records[name] = records[name].model_copy(update={"dataset": dataset_of(variant, **change)})
    found = verdicts(tmp_path, records, claims, ())
    assert found.loc["camvid_s_miou", "verdict"] == "other protocol"
    assert reason in found.loc["camvid_s_miou", "reason"]
    assert math.isnan(found.loc["camvid_s_miou", "difference"])  # no column mixes protocols
    assert found.loc["camvid_l_better", "verdict"] == "other protocol"


@pytest.mark.parametrize(
    ("part", "change", "reason"),
    [
        ("train", SHORT, "trained for 7 epochs, the released recipe for 120"),
        (
            "train", {"config": {"recipe": {"ema_decay": 0.99, "label_smoothing": 0.0}}},
            "trained with ema_decay 0.99, which no released recipe has",
        ),
        (
            "evaluation", {"config": {"reading": READINGS["camvid"] | {"normalization": "half"}}},
            "normalization 'half', the paper's 'imagenet'",
        ),
        ("evaluation", {"config": {"reading": READINGS["camvid"] | {"flip": True}}}, "mirror image averaged in"),
        ("evaluation", {"config": {"reading": READINGS["camvid"] | {"void": "ignore"}}}, "void is read 'ignore'"),
    ],
)  # fmt: skip
def test_another_recipe_or_reading_is_another_protocol(
    tmp_path: Path, claims: Claims, part: str, change: dict[str, object], reason: str
) -> None:
    records = perfect_user()
    for name in [name for name in records if name.startswith("camvid_hyperseg_s") and part in name]:
        records[name] = records[name].model_copy(update=change)
    found = verdicts(tmp_path, records, claims, ())
    assert found.loc["camvid_s_miou", "verdict"] == "other protocol"
    assert reason in found.loc["camvid_s_miou", "reason"]


def test_a_checkpoint_chosen_otherwise_is_another_protocol(tmp_path: Path, claims: Claims) -> None:
    records = perfect_user()
    for name in [name for name in records if name.startswith("camvid_hyperseg_s") and "train" in name]:
        numbers = records[name].numbers.model_copy(update={"selection": "last", "selection_split": None})
        records[name] = records[name].model_copy(update={"numbers": numbers})
    found = verdicts(tmp_path, records, claims, ())
    assert "checkpoint: the last, the paper's: best on test" in found.loc["camvid_s_miou", "reason"]


def test_times_are_compared_on_the_papers_card_alone_ratios_anywhere(tmp_path: Path, claims: Claims) -> None:
    records = {
        f"{variant}.json": latency(variant, "deploy", value, net=network(variant, weights=None))
        for variant, value in (("cityscapes_hyperseg_m", 300.0), ("cityscapes_hyperseg_s", 690.0))
    }
    found = verdicts(tmp_path, records, claims, ())
    assert found.loc["cityscapes_m_fps", "verdict"] == "other protocol"
    assert found.loc["cityscapes_m_fps", "reason"].startswith("other hardware: ")
    assert "input" not in found.loc["cityscapes_m_fps", "reason"]
    small = {"m.json": latency("cityscapes_hyperseg_m", "deploy", 30.0, hw=(384, 512))}
    reason = verdicts(tmp_path / "small", small, claims, ()).loc["cityscapes_m_fps", "reason"]
    assert reason.endswith("; input 384×512, the paper's 512×1024")
    assert found.loc["cityscapes_m_to_s", "verdict"] == "reproduced"
    assert found.loc["cityscapes_m_to_s", "ours"] == pytest.approx(2.3)
    assert found.loc["cityscapes_m_faster", "verdict"] == "reproduced"
    kept = perfect_user()
    name = "cityscapes_hyperseg_m/latency/paper.json"
    kept[name] = kept[name].model_copy(update={"numbers": kept[name].numbers.model_copy(update={"batch_norm": "kept"})})
    found = verdicts(tmp_path / "kept", kept, claims, ())
    assert found.loc["cityscapes_m_fps", "reason"] == "batch norms are computed, the paper's are deleted"
    invalid = {name: one for name, one in records.items() if "_s" in name}
    invalid["m.json"] = latency("cityscapes_hyperseg_m", "deploy", 300.0, verdict="INVALID")
    assert verdicts(tmp_path / "invalid", invalid, claims, ()).loc["cityscapes_m_to_s", "verdict"] == (
        "not measurable here"
    )


def test_a_ratio_on_another_gpu_is_judged_by_what_the_device_spends(tmp_path: Path, claims: Claims) -> None:
    """Eager PyTorch on a fast GPU takes the time of starting kernels, which both networks have as many of."""
    h200 = machine(cpu="Host", fingerprint="200" * 4, gpus=["NVIDIA H200"])
    eager = {"cityscapes_hyperseg_m": 20.0, "cityscapes_hyperseg_s": 20.0}
    graph = {"cityscapes_hyperseg_m": 5.0, "cityscapes_hyperseg_s": 11.0}
    cpu = {"cityscapes_hyperseg_m": 300.0, "cityscapes_hyperseg_s": 900.0}
    records = {
        f"{place}/{variant}.json": latency(variant, "deploy", value, engine=engine, **where)
        for place, engine, times, where in (
            ("eager", "eager", eager, {"at": h200}), ("graph", "cudagraph", graph, {"at": h200}),
            ("cpu", "eager", cpu, {}),
        )
        for variant, value in times.items()
    }  # fmt: skip
    ratio = verdicts(tmp_path, records, claims, ()).loc["cityscapes_m_to_s"]
    assert (ratio["ours"], ratio["verdict"]) == (pytest.approx(2.2), "reproduced")
    assert ratio["reason"].startswith("our network as a CUDA graph on NVIDIA H200; there also 1.00 by")
    assert "3.00 by our network in eager PyTorch" in ratio["reason"]


def test_a_time_and_its_rate_are_of_one_statistic_and_name_their_engine(tmp_path: Path, claims: Claims) -> None:
    records = {"m.json": latency("cityscapes_hyperseg_m", "deploy", 30.0, mean=33.0, engine="native")}
    found = verdicts(tmp_path, records, claims, ())
    fps, milliseconds = (found.loc[f"cityscapes_m_{name}", "ours"] for name in ("fps", "latency"))
    assert (fps, milliseconds) == (pytest.approx(1e3 / 30), pytest.approx(30.0))
    assert "engine native, the paper's eager PyTorch" in found.loc["cityscapes_m_fps", "reason"]


def test_ratios_count_a_run_beside_peers_and_have_an_interval(claims: Claims) -> None:
    """Two times that may be off by 3 and 4 percent give a ratio that may be off by 5."""
    rows = [claims.row_of(f"cityscapes_hyperseg_{name}", "val") for name in "ms"]
    shared = {
        "kind": "bench", "protocol": None, "machine": "m", "device": "cpu", "device_name": "Test CPU", "threads": 2,
        "source": "authors", "engine": "eager", "precision": "float32", "tf32": None, "batch_norm": None, "batch": 1,
        "smoke": None, "verdict": None, "quantity": "latency_median", "record": "r",
    }  # fmt: skip
    runs = [
        shared | {
            "campaign": part, "subject": f"{part}: authors", "started_at": str(place), "variant": row.variant,
            "input_height": row.input_height, "input_width": row.input_width, "value": value,
            "low": value / math.exp(off), "high": value * math.exp(off),
        }
        for part, slow in (("inference", 200.0), ("peers", 300.0))
        for place, (row, value, off) in enumerate(zip(rows, (100.0, slow), (0.03, 0.04), strict=True))
    ]  # fmt: skip
    found = speed_ratios(runs, *rows)
    assert [ratio.value for ratio in found] == [2.0, 3.0]
    assert (found[0].low, found[0].high) == (pytest.approx(2 / math.exp(0.05)), pytest.approx(2 * math.exp(0.05)))
