"""What the benchmark prints, from the numbers its record holds. Imports no torch."""

from collections.abc import Iterator

from hyperseg.records.bench import BenchGoal, BenchMemory, BenchNumbers, BenchSampling, BenchScaling, BenchTurns

MIB = 2**20


def lines(numbers: BenchNumbers) -> Iterator[str]:
    """Every measured part, then the goals; one line each."""
    unit = "CPU ms" if numbers.clock == "cpu" else "ms"
    if numbers.inference:
        yield from _turns("inference", numbers.inference, unit)
    if numbers.training:
        yield from _turns("training step", numbers.training, unit)
        yield f"  first loss {numbers.training.first_loss:.6f}, the authors' {numbers.training.first_loss_authors:.6f}"
    if numbers.agreement:
        yield f"classes equal to plain float32's on {numbers.agreement.images} real images"
        yield from (f"  {row.name:34} {row.percent:8.3f} %" for row in numbers.agreement.shares)
    if numbers.memory:
        yield from _memory(numbers.memory)
    for sweep in numbers.scaling:
        yield from _scaling(sweep, unit)
    if numbers.sampling:
        yield from _sampling(numbers.sampling)
    if numbers.peers:
        yield from _turns("peers, random weights: times alone", numbers.peers, unit)
    if numbers.goals:
        yield "goals"
        yield from map(goal_line, numbers.goals)


def goal_line(goal: BenchGoal) -> str:
    """One goal: reached or missed, by which contender, with what value."""
    word = {True: "reached", False: "MISSED", None: "too noisy to tell"}[goal.reached]
    sense = "at least" if goal.sense == "at_least" else "at most"
    return f"  {goal.title}: {word}, {_value(goal.value, goal)} by {goal.by} (goal {sense} {_value(goal.bound, goal)})"


def _value(value: float, goal: BenchGoal) -> str:
    text = f"{value:.1e}" if abs(value) < 1e-2 else f"{value:.3g}" if abs(value) < 10 else f"{value:.4g}"
    return text + (f" {goal.unit}" if goal.unit == "%" else goal.unit)


def _turns(title: str, turns: BenchTurns, unit: str) -> Iterator[str]:
    yield (
        f"{title}, {turns.batch} x {turns.input_height} x {turns.input_width}, medians of "
        f"{len(turns.timings[0].rounds_ms)} rounds, others' load {turns.others_load_percent:.0f} %"
    )
    width = max(34, *(len(row.name) for row in turns.timings))
    for row in turns.timings:
        error = "" if row.largest_error is None else f"   largest error {row.largest_error:.1e}"
        pages = "" if row.page_faults is None else f"   {row.page_faults} new pages"
        yield f"  {row.name:{width}} {row.median_ms:9.1f} {unit}  {row.ratio:6.2f}x{pages}{error}"


def _memory(rows: list[BenchMemory]) -> Iterator[str]:
    yield f"peak memory of inference: {rows[0].method}"
    yield from (f"  {row.name:34} {row.peak_bytes / MIB:9.0f} MiB  {row.ratio:6.2f}x the authors'" for row in rows)


def _scaling(sweep: BenchScaling, unit: str) -> Iterator[str]:
    exponent = "" if sweep.pixel_exponent is None else f": time ~ pixels^{sweep.pixel_exponent:.3f} at batch 1"
    yield f"growth of {sweep.name}, others' load {sweep.others_load_percent:.0f} %{exponent}"
    for point in sweep.points:
        pixels = point.batch * point.input_height * point.input_width
        yield (
            f"  {point.batch} x {point.input_height} x {point.input_width:<6} {point.pixel_ratio:5.2f}x pixels  "
            f"{point.median_ms:9.1f} {unit}  {1e6 * point.median_ms / pixels:7.1f} ns a pixel"
        )


def _sampling(found: BenchSampling) -> Iterator[str]:
    yield (
        f"cost of sampling the conditions on {found.name}: {found.pairs} pairs of blocks, {found.runs} runs each; "
        f"the side thread used {found.thread_percent:.2f} % of a processor"
    )
    for clock, change in (("wall clock", found.wall), ("CPU time of the timing thread", found.cpu)):
        yield (
            f"  {clock}: {change.percent:+.2f} % [{change.low_percent:+.2f}, {change.high_percent:+.2f}], "
            f"{change.with_ms:.2f} ms with, {change.without_ms:.2f} ms without"
        )
