"""What a record states in its settings and in its numbers must be the same, and a verdict's reasons its conditions'."""

import json
from pathlib import Path

import pytest
from changed_records import REFERENCE, TRAINING, change

from hyperseg.records.verify import verify

SCORED = REFERENCE / "camvid_large/camvid_hyperseg_s/seed0/evaluation-standard.json"
SELECTED = REFERENCE / "audit/camvid_hyperseg_s/evaluation-selection.json"
BEST = REFERENCE / "audit/short_camvid/best/train.json"
TIMED = REFERENCE / "audit/clock/deploy-cpu-eager-float32.json"
BENCH = REFERENCE / "bench_training/camvid_hyperseg_s/bench-cpu.json"


@pytest.mark.parametrize(
    ("source", "field", "value", "named"),
    [
        (SCORED, "dataset.image_sizes.480x360", 232, "dataset.images is 233, but 232 by image_sizes"),
        (SCORED, "config.input_hw.0", 384, "the input is [576, 768], but [384, 768] by config.input_hw"),
        (SCORED, "numbers.input_width", 512, "the input is [576, 512], but [576, 768] by config.input_hw"),
        (SCORED, "numbers.ignored_pixels", 7, "ignored_pixels is 7, but 1.54338e+06 by the images' sizes"),
        (SELECTED, "numbers.ignored_pixels", 7, "ignored_pixels is 7, but"),
        (SCORED, "numbers.miou_interval.level", 0.99, "miou_interval.level is 0.99, but 0.95 by its method"),
        (SCORED, "numbers.miou_interval.method", "a guess", "miou_interval is of method 'a guess', but"),
        (TRAINING, "config.recipe.epochs", 120, "the last epoch is 7, but 120 by the recipe"),
        (TRAINING, "config.recipe.images_per_epoch", 2000, "the step of epoch 1 is 117, but 500 by the recipe"),
        (TRAINING, "config.recipe.learning_rate", 0.01, "learning_rate of epoch 1 is"),
        (TRAINING, "numbers.epochs.2.learning_rate", 0.01, "learning_rate of epoch 3 is 0.01, but"),
        (TRAINING, "config.recipe.precision", "bfloat16", "precision is float32, but bfloat16 by the recipe"),
        (TRAINING, "config.recipe.selection", "best", "selection is last, but best by the recipe"),
        (BEST, "config.selected_epoch", 1, "selected_epoch is 1, but 4 by the epochs"),
        (TIMED, "protocol.id", "smoke", "protocol.id is smoke, but deploy by config.protocol"),
        (TIMED, "protocol.version", 2, "protocol.version is 2, but 1 by config.protocol"),
        (TIMED, "numbers.device_name", "Another CPU", "device_name is Another CPU, but Intel(R) Xeon(R) Processor by"),
        (BENCH, "numbers.device_name", "GTX 1080 Ti", "device_name is GTX 1080 Ti, but"),
        (TIMED, "numbers.engine", "native", "engine is native, but eager by config.job"),
        (TIMED, "numbers.smoke", True, "smoke is True, but False by config.protocol"),
        (TIMED, "numbers.clock_stages", ["forward"], "clock_stages is ['forward'], but"),
        (TIMED, "numbers.verdict.reasons.0", "drift: the median of the last third differs by 2.1 % from the first "
         "third's (in 2 of 3 processes)", "verdict lacks the reason 'drift: the median of the last third"),
        (BENCH, "config.rounds", 9, "the number of rounds of authors is"),
        (BENCH, "config.train_batch", 16, "training.batch is 2, but 16 by config"),
        (BENCH, "numbers.training.calibration.largest_change_percent", 0.1, "calibration of training.largest_change"),
        (BENCH, "numbers.training.timings.1.ratio_interval.level", 0.5, "ratio_interval of ours in training.level"),
    ],
)  # fmt: skip
def test_what_is_stated_twice_must_agree(tmp_path: Path, source: Path, field: str, value: object, named: str) -> None:
    record = json.loads(source.read_text())
    change(field, value)(record)
    (tmp_path / source.name).write_text(json.dumps(record))
    for suffix in (".npz", ".parquet"):
        if (raw := source.with_suffix(suffix)).exists():
            (tmp_path / raw.name).write_bytes(raw.read_bytes())
    [found] = verify([tmp_path])
    assert any(named in problem for problem in found.problems), found.problems


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("conditions.drift_percent.0", 0.1, "conditions.drift_percent.0 is 0.1, but"),
        ("warmup_samples", 5, "warmup_samples is 5, but"),
    ],
)
def test_what_a_verdict_rests_on_follows_from_the_samples(
    tmp_path: Path, field: str, value: object, named: str
) -> None:
    record = json.loads(TIMED.read_text())
    change(field, value)(record["numbers"])
    (tmp_path / TIMED.name).write_text(json.dumps(record))
    raw = TIMED.with_suffix(".parquet")
    (tmp_path / raw.name).write_bytes(raw.read_bytes())
    [found] = verify([tmp_path])
    assert any(named in problem for problem in found.problems), found.problems
