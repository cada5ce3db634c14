"""One step on which a fault is tried: its start and end, its inputs copied, and what must come of it."""

import os
import random
import shutil
import signal
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import TimeoutExpired

from pipeline_checkout import Checkout
from steps import Undisturbed, listing, start, written

PATIENCE_S = 900.0


class Fail(Exception):
    """What did not hold."""


class Skip(Exception):
    """Why a fault cannot be tried on this machine."""


@dataclass(frozen=True)
class Trial:
    """One step, with a folder of its own and a source of random instants."""

    checkout: Checkout
    known: Undisturbed
    folder: Path
    chance: random.Random

    @property
    def out(self) -> Path:
        return self.folder / "at/out"

    @property
    def base(self) -> Path:
        """Where the undisturbed runs put their results, which are the inputs of this one."""
        return self.checkout.folder.parent / "base"

    def instant(self) -> float:
        """Seconds after the start, once Python has loaded most of what it needs."""
        return self.chance.uniform(0.2, 1.0) * self.known.took_s

    def on_copies(self, *names: str) -> "Trial":
        """This trial, with these of its inputs copied into its folder, where they can be changed."""
        words = list(self.known.step.words)
        for name in names:
            place = self.folder / "inputs" / name
            place.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (self.base / name).is_dir() else shutil.copy2)(self.base / name, place)
            words = [word.replace(str(self.base / name), str(place)) for word in words]
        return replace(self, known=replace(self.known, step=replace(self.known.step, words=tuple(words))))

    def begin(self, prefix: tuple[str, ...] = ()) -> "subprocess.Popen[bytes]":
        return start(self.checkout, self.known.step, self.out, prefix)

    def end(self, process: "subprocess.Popen[bytes]") -> int:
        """Wait for a step; returns its exit code."""
        try:
            return process.wait(timeout=PATIENCE_S)
        except TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            raise Fail(f"still at work after {PATIENCE_S:g} s") from error

    def refused_well(self, code: int, may_finish: bool = True) -> None:
        """Exit code 2 with one sentence and nothing left; or the result, where the fault came too late to matter."""
        said = written(self.out)
        if code == 0:
            if not may_finish:
                raise Fail("it ended well")
            self.equal()
            return
        if code != 2 or "Traceback" in said or not said.strip().splitlines()[-1].startswith("error: "):
            raise Fail(f"exit code {code}: {said[-1500:]}")
        kept = {name for name in listing(self.out) if not _hidden(name)}
        if kept:
            raise Fail(f"left {sorted(kept)} behind: {said[-300:]}")

    def equal(self) -> None:
        """The result is there, equal to an undisturbed run's, and nothing else."""
        result = self.known.step.result(self.out)
        if result != self.known.result:
            raise Fail("its result differs from an undisturbed run's")
        if listing(self.out) != self.known.files:
            raise Fail(f"left {sorted(listing(self.out) ^ self.known.files)} behind")

    def again(self) -> None:
        """With the fault gone, the same command makes what an undisturbed run makes."""
        if (code := self.end(self.begin())) != 0:
            raise Fail(f"the same command again ended with {code}: {written(self.out)[-1500:]}")
        self.equal()


def _hidden(name: str) -> bool:
    """What a later run goes on from or removes: begun downloads, checkpoints, locks."""
    return any(part.startswith(".") for part in Path(name).parts)
