"""What makes a step stale: the import graph on small packages, edits of this one, and what steps really load."""

import shutil
from collections.abc import Callable
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from pipeline_checkout import TINY, VARIANT, Checkout

from hyperseg.errors import UserError
from hyperseg.pipeline.campaign import Campaign, parse_campaign
from hyperseg.pipeline.digests import digests
from hyperseg.pipeline.sources import CHANGES_NO_NUMBER, PACKAGE, Entry, find_sources

PUBLISHED = ("hyperseg.datasets.published",)
JOBS = {  # the jobs of the tiny campaign, by a word of their command lines
    "streets": Entry("hyperseg.cli.data", "streets", ("streets",)),
    "train": Entry(
        "hyperseg.cli.train", chosen=(VARIANT, "streets"), tables=PUBLISHED, without=("hyperseg.evaluation",)
    ),
    "evaluate": Entry("hyperseg.cli.evaluate", chosen=("standard", "streets"), tables=PUBLISHED),
    "latency": Entry("hyperseg.cli.latency", chosen=("smoke", "eager"), tables=PUBLISHED),
    "report": Entry("hyperseg.cli.report", tables=PUBLISHED),
}
NOT_COUNTED = {  # loaded by a job though it is none of its sources, and why
    "latency/engines/*.py": "all engines are listed to find the one that was asked for",
} | {f"{name.replace('.', '/').partition('/')[2]}*": why for name, why in CHANGES_NO_NUMBER.items() if "." in name}
NOT_LOADED = {  # sources that a tiny job does not come to, and why
    "datasets/published/camvid_*.py": "a report takes the titles of the datasets that its records name",
    "report/passages.py": "passages of the documentation, which a campaign's report has none of",
    "kernels/*": "kernels are attached, and compiled, where the device and the mode have them",
    "latency/authors.py": "an option of the command that the pipeline does not give",
    "latency/peers.py": "an option of the command that the pipeline does not give",
    "latency/sampling_overhead.py": "an option of the command that the pipeline does not give",
    "training/explain.py": "an option of the command that the pipeline does not give",
    "report/blocks.py": "an option of the command that the pipeline does not give",
    "rivals/network.py": "builds a network of another library, of which the tiny campaign has none",
    "report/reference.py": "an option of the command that the pipeline does not give",
}


def covered(name: str, allowance: dict[str, str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in allowance)


def check_loaded(sources: set[str], loaded: set[str]) -> None:
    """Both directions, with the two written allowances."""
    undeclared = {
        n for n in loaded - sources if n not in {"__init__.py", "cli/__init__.py"} and not covered(n, NOT_COUNTED)
    }
    assert not undeclared, "loaded, but an edit makes nothing stale"
    assert not {n for n in sources - loaded if not covered(n, NOT_LOADED)}, "a source that is not loaded"


@pytest.mark.slow
@pytest.mark.parametrize("job", JOBS)
def test_a_job_loads_what_it_declares_and_declares_what_it_loads(finished: Checkout, job: str) -> None:
    loaded = finished.loaded(job)
    if job == "latency":
        loaded |= finished.loaded("/latency/worker.py")
    assert f"cli/{'data' if job == 'streets' else job}.py" in loaded
    check_loaded(set(find_sources(JOBS[job])), loaded)


@pytest.mark.slow
def test_a_training_that_keeps_its_best_epoch_declares_the_code_that_scores_it(
    finished: Checkout, tmp_path: Path
) -> None:
    shutil.copytree(finished.folder, tmp_path / "checkout", symlinks=True)
    checkout = Checkout(tmp_path / "checkout")
    checkout.record_loaded()
    changes = ("selection=best", "selection_split=val")
    checkout.call(
        *("hyperseg", "train", "--config", "config/demo.yaml", "--variant", VARIANT, "--data", "data/streets"),
        *("--out", "best", *(word for change in changes for word in ("--set", change))),
    )
    loaded = checkout.loaded("train")
    sources = set(find_sources(Entry("hyperseg.cli.train", chosen=(VARIANT, "streets", "selection"), tables=PUBLISHED)))
    assert {name for name in loaded if name.startswith("evaluation/") and name.endswith(".py")} <= sources
    check_loaded(sources, loaded)


def campaign(**training: Any) -> Campaign:
    changes = {"training": TINY["training"] | training}  # type: ignore[operator]
    return parse_campaign(TINY | changes, "c.yaml")


@cache
def unedited(**training: str) -> dict[str, Any]:
    return digests(campaign(**training))


@pytest.fixture
def stale_after(tmp_path: Path) -> Callable[..., set[str]]:
    """The steps that an edit of a file of the package makes stale."""
    package = tmp_path / "hyperseg"
    shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))

    def edit(name: str, change: Callable[[str], str], **training: str) -> set[str]:
        text = (package / name).read_text()
        assert change(text) != text
        (package / name).write_text(change(text))
        after = digests(campaign(**training), package)
        return {content["step"] for name, content in after.items() if content != unedited(**training)[name]}

    return edit


def add_code(text: str) -> str:
    return f"{text}\nassert True\n"


SCORING = {"evaluate", "strips"}
ALL = {"streets", "train", *SCORING, "latency", "report"}


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("errors.py", ALL),
        ("allocator.py", {"train"}),
        ("cli/steps.py", {"train", *SCORING}),
        ("cli/weights.py", SCORING),
        ("cli/train.py", {"train"}),
        ("pipeline/campaign.py", {"train", *SCORING}),
        ("pipeline/run.py", set()),
        ("datasets/download.py", set()),
        ("streets/vehicles.py", {"streets"}),
        ("records/bench.py", set()),
        ("evaluation/confusion.py", SCORING),
        ("evaluation/protocols/standard.yaml", SCORING),
        ("evaluation/overlay.py", {"strips"}),
        ("evaluation/protocols/paper.yaml", set()),
        ("training/recipes/camvid_hyperseg_s.yaml", {"train"}),
        ("training/recipes/voc_hyperseg_l.yaml", set()),
        ("latency/protocols/smoke.yaml", {"latency"}),
        ("latency/worker.py", {"latency"}),
        ("latency/engines/eager.py", {"latency"}),
        ("latency/engines/openvino.py", set()),
        ("report/page/templates/style.css", {"report"}),
    ],
)
def test_an_edit_makes_exactly_the_steps_stale_that_depend_on_the_file(
    stale_after: Callable[..., set[str]], name: str, steps: set[str]
) -> None:
    assert stale_after(name, add_code) == steps


def test_scoring_code_is_a_training_s_where_the_best_epoch_is_kept(stale_after: Callable[..., set[str]]) -> None:
    best = {"selection": "best", "selection_split": "val"}
    assert stale_after("evaluation/confusion.py", add_code, **best) == {"train", *SCORING}


def test_the_input_at_which_epochs_are_scored_is_a_training_s_where_the_best_is_kept() -> None:
    def train_digest(input_hw: list[int], **training: Any) -> Any:
        values = TINY | {
            "training": TINY["training"] | training,  # type: ignore[operator]
            "evaluation": TINY["evaluation"] | {"input_hw": input_hw},  # type: ignore[operator]
        }
        (found,) = [c for c in digests(parse_campaign(values, "c.yaml")).values() if c["step"] == "train"]
        return found

    best = {"selection": "best", "selection_split": "val"}
    assert train_digest([128, 128], **best) != train_digest([128, 256], **best)
    assert train_digest([128, 128]) == train_digest([128, 256])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"""', '"""Other words. ', 1),
        lambda text: f"# a comment\n{text}\n\n# another\n",
        lambda text: text.replace("import torch\n", "import torch  # why\n\n", 1),
    ],
    ids=["docstring", "comment", "blank line"],
)
def test_words_about_code_make_nothing_stale(
    stale_after: Callable[..., set[str]], change: Callable[[str], str]
) -> None:
    assert stale_after("training/loop.py", change) == set()


def test_each_allowance_names_a_module_that_is_there() -> None:
    for name in CHANGES_NO_NUMBER:
        path = PACKAGE.parent.joinpath(*name.split("."))
        assert path.is_dir() or path.with_suffix(".py").is_file(), name


INNER = "kinds/inner/__init__.py"


@pytest.fixture
def small(tmp_path: Path) -> Callable[[dict[str, str]], Path]:
    """Makes a package `small` of files; folders that hold Python are packages."""

    def make(files: dict[str, str]) -> Path:
        package = tmp_path / "small"
        for name, text in files.items():
            (package / name).parent.mkdir(parents=True, exist_ok=True)
            (package / name).write_text(text)
        return package

    return make


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("import small.other", {"other.py"}),
        ("from small import other", {"other.py"}),
        ("from small.other import thing", {"other.py"}),
        ("def inner():\n    from small.other import thing", {"other.py"}),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import small.other", set()),
        ("import sys\ncall = [sys.executable, '-m', 'small.other']", {"other.py"}),
        ("import_module(f'small.kinds.{1}')", {"kinds/__init__.py", "kinds/a.py", "kinds/b.py", INNER}),
        ("from small.kinds import lazy", {"kinds/__init__.py", "kinds/a.py"}),
        ("from small.kinds import listed", {"kinds/__init__.py", "kinds/a.py", "kinds/b.py", INNER}),
        ("import small.kinds.inner.c", {"kinds/__init__.py", "kinds/inner/__init__.py", "kinds/inner/c.py"}),
        ("import small.kinds.b", {"kinds/__init__.py", "kinds/b.py"}),
        ("from pathlib import Path\ntext = Path(__file__).with_name('note.txt')", {"note.txt"}),
        ("from importlib.resources import files\nfound = files('small') / 'notes'", {"notes/x.yaml", "notes/y.yaml"}),
        ("from pathlib import Path\nfound = Path(__file__).parent.glob('*.h')", {"one.h"}),
        ("'''notes'''", set()),
    ],
)  # fmt: skip
def test_what_counts_as_needed(small: Callable[[dict[str, str]], Path], text: str, needed: set[str]) -> None:
    main = f"def command():\n{indent(text, '    ')}"
    package = small(
        {
            "__init__.py": "", "main.py": main, "other.py": "thing = 1\n", "note.txt": "", "one.h": "",
            "notes/x.yaml": "", "notes/y.yaml": "", "kinds/b.py": "",
            "kinds/__init__.py": (
                "def lazy():\n    from small.kinds.a import thing\n\n\ndef listed():\n    return find(__name__)\n"
            ),
            "kinds/a.py": "thing = 1\n", "kinds/inner/__init__.py": "from small.kinds import lazy\n",
            "kinds/inner/c.py": "",
        }
    )  # fmt: skip
    found = set(find_sources(Entry("small.main"), package)) - {"__init__.py", "main.py"}
    assert found == needed


def test_one_of_several_files_is_chosen_by_name(small: Callable[[dict[str, str]], Path]) -> None:
    main = "def command():\n    import_module(f'small.kinds.{1}')\n    folder = 'notes'\n"
    kinds = {"kinds/__init__.py": "", "kinds/a.py": "", "kinds/b.py": "", "notes/x.yaml": "", "notes/y.yaml": ""}
    package = small({"__init__.py": "", "main.py": main} | kinds)
    found = set(find_sources(Entry("small.main", chosen=("a", "y")), package))
    assert found == {"__init__.py", "main.py", "kinds/__init__.py", "kinds/a.py", "notes/y.yaml"}


def test_of_a_group_of_commands_the_one_that_runs_counts(small: Callable[[dict[str, str]], Path]) -> None:
    main = "SIZE = 1\n\ndef one():\n    return SIZE\n\n\ndef two():\n    import small.other\n"
    package = small({"__init__.py": "", "main.py": main, "other.py": ""})
    one = find_sources(Entry("small.main", "one"), package)
    assert set(one) == {"__init__.py", "main.py"}
    small({"main.py": main.replace("import small.other", "return 2")})
    assert find_sources(Entry("small.main", "one"), package) == one
    small({"main.py": main.replace("SIZE = 1", "SIZE = 2")})
    assert find_sources(Entry("small.main", "one"), package) != one


def test_a_module_that_is_not_python_is_named(small: Callable[[dict[str, str]], Path]) -> None:
    package = small({"__init__.py": "", "main.py": "def broken(:\n"})
    with pytest.raises(UserError, match=r"main\.py is not Python at line 1"):
        find_sources(Entry("small.main"), package)
