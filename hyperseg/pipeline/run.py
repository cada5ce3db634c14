"""The wrapper around Snakemake: checks first, one run at a time, live progress, errors a person can act on."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from typing import IO, Any

import psutil

from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import load_campaign
from hyperseg.pipeline.checks import check, check_data, check_folders, check_machine, made_otherwise
from hyperseg.pipeline.commands import PLAN, require_root
from hyperseg.pipeline.display import Display
from hyperseg.pipeline.lock import RunLock, run_lock
from hyperseg.pipeline.profile import Profile
from hyperseg.pipeline.progress import Progress, last_lines
from hyperseg.pipeline.steps import Layout
from hyperseg.pipeline.trainings import Choice, protect, remember
from hyperseg.processors import SHARED_GPUS, usable_cores
from hyperseg.records.provenance import machine

HERE = Profile()
PLUGINS = Path(__file__).parent / "plugins"
SOURCE = "HYPERSEG_SOURCE"  # environment variable that tells `rule prepare` where the published files are


@dataclass(frozen=True)
class Outcome:
    """How a run ended."""

    layout: Layout
    done: int
    failed: int
    own_fault: bool  # a failed job ended in a traceback, not in a sentence to the user

    @property
    def code(self) -> int:
        """The exit code: 1 for a bug of this package, 2 for what the user can fix."""
        return 0 if not self.failed else 1 if self.own_fault else 2


@dataclass(frozen=True)
class Ready:
    """A checked campaign, and how its jobs are to run. Every method may raise :class:`UserError`."""

    config: Path
    layout: Layout
    cores: int
    source: Path | None
    profile: Profile
    sentences: list[str]  # notes for the user before the start

    def plan(self) -> Outcome:
        """Show what would run, and why."""
        self._say_sentences()
        progress = self._progress()
        code, errors = self._look(progress, Display(progress, "plan"))
        return self._outcome(progress, code, errors)

    def run(self, trainings: Choice = "ask") -> Outcome:
        """Bring the campaign up to date.

        `trainings` says what becomes of finished ones that are stale (:mod:`hyperseg.pipeline.trainings`).
        """
        self._say_sentences()
        with run_lock(say=_say) as lock:
            if trainings == "keep" and made_otherwise(self.layout):
                first = self._engine(lock, "--", "dataset")  # later it would make stale again what is kept now
                if first.failed:
                    return first
            self._protect(trainings)
            return self._engine(lock)

    def _engine(self, lock: RunLock, *targets: str) -> Outcome:
        progress = self._progress()
        command = [*self._command("-m", "snakemake"), *targets]
        code, errors = _supervise(command, lock, self._given(), progress, Display(progress))
        if any(rule == "train" for rule, _ in progress.finished):
            remember(self.layout)
        return self._outcome(progress, code, errors)

    def protect(self, trainings: Choice) -> None:
        """Settle what becomes of finished trainings that are stale, or refuse; no job starts."""
        with run_lock(say=_say):
            self._protect(trainings)

    def again(self) -> "Ready":
        """Check again: files may have changed while another campaign ran."""
        return prepare(self.config, cores=self.cores, source=self.source, profile=self.profile)

    def _protect(self, trainings: Choice) -> None:
        protect(self.layout, self.config, trainings, self._stale, self.profile.options())

    def _stale(self) -> list[str]:
        """The folders of the trainings that the engine would make."""
        planned = self._progress()
        code, errors = self._look(planned, Display(planned, "silent"))
        if code:
            raise _failure(planned.messages, errors)
        return [self.layout.seed.format(**job.wildcards) for job in planned.running.values() if job.rule == "train"]

    def _look(self, progress: Progress, display: Display) -> tuple[int, str]:
        """A dry run. It changes nothing, so it may look while another run is at work."""
        return _supervise(self._command("-c", PLAN, "--dry-run", "--nolock"), None, self._given(), progress, display)

    def _progress(self) -> Progress:
        return Progress(self.layout.campaign, self.cores, self.layout.device == "cuda", self.profile.local)

    def _given(self) -> dict[str, str]:
        """Variables of the engine's environment."""
        gpus = self._gpus()
        given = {SOURCE: str(self.source.resolve())} if self.source is not None else {}
        return given | ({SHARED_GPUS: ",".join(gpus)} if len(gpus) > 1 else {})

    def _command(self, *engine: str) -> list[str]:
        """The call of the engine; `engine` is how Python starts it, and options."""
        options = [*self.profile.options(), *(["--forcerun", "streets"] if made_otherwise(self.layout) else [])]
        start = [sys.executable, *engine, f"--configfile={self.config}", "--logger", "hyperseg", *options]
        if not self.profile.local:
            return start
        memory_mb = int(psutil.virtual_memory().total / 1e6 * 0.9)
        return [
            *start, "--cores", str(self.cores), "--resources", f"gpu={len(self._gpus()) or 1}", f"mem_mb={memory_mb}",
        ]  # fmt: skip

    def _gpus(self) -> list[str]:
        """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; none where jobs run elsewhere."""
        if not self.profile.local:
            return []
        chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
        if chosen is not None:
            return list(filter(None, chosen.split(",")))
        return [str(number) for number in range(len(machine().gpus))]

    def _outcome(self, progress: Progress, code: int, errors: str) -> Outcome:
        if code and not progress.failed:
            raise _failure(progress.messages, errors)
        own_fault = any(not _sentence(last_lines(job.log, 1)) for job in progress.failed)
        return Outcome(self.layout, progress.done, len(progress.failed), own_fault)

    def _say_sentences(self) -> None:
        for sentence in self.sentences:
            _say(sentence)


def prepare(config: Path, *, cores: int | None = None, source: Path | None = None, profile: Profile = HERE) -> Ready:
    """Load and check the campaign of `config`, in the repository root; raises :class:`UserError`."""
    require_root()
    campaign = load_campaign(config, profile.config)
    if not profile.local and campaign.latency.target is None:
        raise UserError(
            f"with --executor {profile.executor} other machines are timed than this one; name them with latency.target "
            f"and latency.device in {config}, or under config in the profile"
        )
    layout = Layout.here(campaign)
    check(campaign)
    check_folders(layout)
    check_data(layout, source)
    sentences = check_machine(layout) if profile.local else []
    return Ready(
        config, layout, cores or (usable_cores() if profile.local else profile.jobs), source, profile, sentences
    )


def _supervise(
    command: list[str], lock: RunLock | None, given: dict[str, str], progress: Progress, display: Display
) -> tuple[int, str]:
    """Run the engine to its end, with the variables `given`; returns its exit code and what it wrote to stderr."""
    read_end, write_end = os.pipe()
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, [str(PLUGINS), os.environ.get("PYTHONPATH")])),
        "HYPERSEG_EVENTS_FD": str(write_end),
        **given,
    }
    with tempfile.TemporaryFile("w+") as errors, os.fdopen(read_end) as events:
        engine = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=errors,
            stderr=errors,
            pass_fds=(write_end,),
            start_new_session=True,  # its whole group can be stopped, jobs included
            preexec_fn=_heed_interrupts,
        )
        os.close(write_end)
        if lock is not None:
            lock.record_engine(engine.pid)
        with _stops_with_us(engine), display:
            for event in _events(events):
                ended = progress.take(event) if event else None
                display.update(event, ended)
            code = engine.wait()
        errors.seek(0)
        return code, errors.read()


def _heed_interrupts() -> None:
    """A background shell lets its children ignore SIGINT, but the engine needs it: its trainings then save and stop."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _events(stream: IO[str]) -> Iterator[dict[str, Any] | None]:
    """Events as they come, and None about twice a second; ends when the engine has closed the pipe."""
    os.set_blocking(stream.fileno(), False)
    buffer = b""
    with DefaultSelector() as selector:
        selector.register(stream, EVENT_READ)
        while True:
            if selector.select(timeout=0.5):
                chunk = os.read(stream.fileno(), 65536)
                if not chunk:
                    return
                *lines, buffer = (buffer + chunk).split(b"\n")
                yield from (json.loads(line) for line in lines)
            yield None


@contextmanager
def _stops_with_us(engine: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Pass Ctrl-C and SIGTERM on to the engine and its jobs; no process of the group survives this one."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except BaseException:
        _signal_group(engine, signal.SIGINT)
        try:
            engine.wait(timeout=20)
        except subprocess.TimeoutExpired:
            _signal_group(engine, signal.SIGKILL)
        raise
    finally:
        if engine.poll() not in (None, 0):
            _signal_group(engine, signal.SIGTERM)  # jobs that outlived a killed engine
        signal.signal(signal.SIGTERM, previous)


def _signal_group(engine: "subprocess.Popen[bytes]", number: int) -> None:
    try:
        os.killpg(engine.pid, number)
    except ProcessLookupError:
        return


def _failure(messages: list[str], errors: str) -> UserError:
    """One sentence for an engine that failed outside of any job."""
    text = "\n".join([*messages, errors])
    if "LockException" in text or "cannot be locked" in text:
        return UserError(f"another Snakemake has begun to work in {Path.cwd()}; wait for it to end, then run again")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("Using ")]
    told = "; ".join(lines[-3:]) or "it was killed"
    return UserError(f"Snakemake stopped before any job: {told}")


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _sentence(lines: list[str]) -> bool:
    return bool(lines) and lines[-1].startswith("error: ")
