"""The table of recipe changes: what differs is named, gains are taken from the nearest recipe, old records compare."""

from pathlib import Path
from typing import Any

import pytest
from record_factory import evaluation, network, training
from reported import collection, rows

from hyperseg.records import Record
from hyperseg.report.blocks import fill
from hyperseg.report.tables.recipes import recipes_table

OLD = {"id": "camvid_hyperseg_s", "epochs": 8, "crop_hw": [256, 384], "threads": 2}  # before any of the new settings


def trained(campaign: str, recipe: dict[str, Any], miou: float, seed: int = 0, **changes: Any) -> list[Record]:
    net = network("camvid_hyperseg_s", weights=f"{campaign}{seed}")
    return [
        training(campaign=campaign, net=net, seed=seed, config={"synthetic": True, "recipe": recipe}),
        evaluation(campaign=campaign, net=net, seed=seed, miou=miou, **changes),
    ]


def test_changes_and_gains_are_those_from_the_recipe_that_is_nearest_to_all(tmp_path: Path) -> None:
    found = collection(
        tmp_path,
        *trained("averaged", OLD | {"ema_decay": 0.99, "label_smoothing": 0.0, "threads": 1}, 52.0),
        *trained("larger", OLD | {"crop_hw": [384, 512]}, 49.0, hw=(288, 384)),
        *trained("plain", OLD, 50.0),
        evaluation(campaign="elsewhere", net=network("camvid_hyperseg_s", weights="unknown")),  # of no training here
    )
    plain, averaged, larger = rows(recipes_table(found))
    assert (plain["campaign"], plain["changes"], plain["gain_points"]) == ("plain", "nothing", "")
    assert (averaged["changes"], averaged["gain_points"]) == ("ema_decay 0.99", "2.0")
    assert larger["changes"] == "crop_hw 384×512, input 288×384"
    assert float(larger["gain_points"]) == -1.0
    # of the eleven classes the third is absent, the others lie five points apart, and the worst have the fewest pixels
    assert float(plain["rarest_iou_percent"]) == pytest.approx(50 - 5 * 3.5, abs=1e-6)


def test_seeds_become_one_row_and_a_gain_within_their_spread_is_in_brackets(tmp_path: Path) -> None:
    seeds = [record for seed, miou in enumerate((49.0, 50.0, 51.0)) for record in trained("plain", OLD, miou, seed)]
    collection(
        tmp_path / "records", *seeds,
        *trained("averaged", OLD | {"ema_decay": 0.9}, 48.0),  # two standard errors are 2 x 1 x sqrt(1 + 1/3) = 2.31
        *trained("smoothed", OLD | {"label_smoothing": 0.1}, 52.5),
    )  # fmt: skip
    text = fill("<!-- begin recipes records -->\n<!-- end -->", tmp_path)
    assert "| plain | nothing | 3 | 50.00 ± 1.00 |" in text
    assert "| averaged | ema_decay 0.9 | 1 | 48.00 [47.0, 49.0] | (−2.00) |" in text
    assert "| smoothed | label_smoothing 0.1 | 1 | 52.50 [51.5, 53.5] | +2.50 |" in text


def test_a_single_recipe_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    collection(tmp_path / "records", *trained("plain", OLD, 50.0))
    text = fill("<!-- begin recipes records -->\n<!-- end -->", tmp_path)
    assert "No record of this is committed yet" in text
