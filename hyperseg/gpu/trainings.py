"""Trainings on real CamVid, scored, by the commands that a pipeline runs."""

import json
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hyperseg.errors import UserError
from hyperseg.files import write_text_atomic
from hyperseg.gpu.plan import BACKBONE, FRONT, LEAST_TRAINING_SECONDS, Options
from hyperseg.pipeline.campaign import load_campaign

# On an H200, of the recipe's two crops of 576 x 576 a step: four of 256 x 384 took 8 ms. What is faster only ends
# sooner, what is slower ends in another call.
TRAINED_IMAGES_PER_S = 200
EVALUATION_SECONDS = 30
# A recipe that is short enough to test the plan on a CPU.
TINY = {
    "epochs": 1,
    "images_per_epoch": 2,
    "batch": 2,
    "crop_hw": "[128,128]",
    "workers": 0,
    "pretrained_backbone": "false",
}
LAST = {
    "selection": "last",
    "selection_split": "null",
}  # the recipe's choice, the best on test, is no score of unseen images


def front(options: Options, network: str) -> None:
    """One network of the front, trained and scored in OUT/records/front/NETWORK, one seed."""
    campaign = load_campaign(FRONT)
    seed = campaign.seeds[0]
    changes = TINY if options.dry else {}
    protocols = campaign.evaluation.protocols
    out = options.records / "front" / network / f"seed{seed}"
    _train_and_score(options, network, out, changes, protocols, f"--config={FRONT}", f"--seed={seed}")


def camvid(options: Options, seconds: float) -> None:
    """Train camvid_hyperseg_s on the prepared dataset with the time left, then score its test split.

    The schedule is chosen once: a call after an interruption goes on with the same training.
    """
    chosen = options.out / "camvid.json"
    if not chosen.exists():
        images = int(max(seconds - EVALUATION_SECONDS, LEAST_TRAINING_SECONDS / 2) * TRAINED_IMAGES_PER_S)
        changes = {"epochs": 1, "images_per_epoch": images, "precision": "bfloat16"}
        if find_spec(BACKBONE):  # the recipe's own backbone comes from a hub, which not every machine reaches
            changes |= load_campaign(FRONT).training.model_dump(include={"backbone"})
        write_text_atomic(chosen, json.dumps(LAST | (TINY if options.dry else changes)) + "\n")
    out = options.records / "camvid_hyperseg_s" / "seed0"
    changes = json.loads(chosen.read_text())
    _train_and_score(options, "camvid_hyperseg_s", out, changes, ["standard", "paper"])


def _train_and_score(
    options: Options, network: str, out: Path, changes: dict[str, Any], protocols: Sequence[str], *words: str
) -> None:
    """By the commands that a pipeline runs, with `words` for both, which the evaluation takes its --config of."""
    assert options.camvid is not None
    both = [f"--data={options.camvid}", f"--device={options.device}"]
    if not (out / "train.json").exists():
        changed = [f"--set={name}={value}" for name, value in changes.items()]
        _command("train", f"--variant={network}", f"--out={out}", *both, *words, *changed)
    config = [word for word in words if word.startswith("--config=")]
    for protocol in () if options.dry else protocols:
        record = out / f"evaluation-{protocol}.json"
        if not record.exists():
            weights = f"--weights={out / 'weights.safetensors'}"
            _command("evaluate", weights, f"--protocol={protocol}", f"--out={record}", *both, *config)


def _command(*words: str) -> None:
    code = subprocess.run([sys.executable, "-m", "hyperseg", *words], check=False).returncode
    if code:
        raise UserError(f"hyperseg {words[0]} ended with code {code}; its own message is above in this log")
