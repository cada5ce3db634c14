"""The table of published datasets: found by being there, light to read, and open to datasets from outside."""

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
from data_command import cli

from hyperseg.data.prepared import open_dataset, read_label
from hyperseg.datasets import published
from hyperseg.datasets.published import find_published, get_published, published_table, titles
from hyperseg.errors import UserError
from hyperseg.evaluation.protocol import load_protocol


def kerbs(url: str) -> str:
    """The dataset that docs/data.md tells a user to write, as small as the test's archive at `url`."""
    page = (Path(__file__).parents[2] / "docs/data.md").read_text(encoding="utf-8")
    example = page[
        page.index("    from hyperseg.data.description import") : page.index(
            "`hyperseg/datasets/published/published.py`"
        )
    ]
    for old, new in (
        ("https://example.org/kerbs.zip", url), ('{"test": 200}', '{"test": 2}'),
        ('sizes=("1920x1080",)', 'sizes=("32x24",)'),
    ):  # fmt: skip
        assert old in example
        example = example.replace(old, new)
    return dedent(example)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "our datasets"
    folder.mkdir()
    monkeypatch.setenv("HYPERSEG_DATASETS", str(folder))
    return folder


def test_every_file_of_the_folder_is_a_dataset():
    files = {path.stem for path in Path(published.__file__).parent.glob("*.py")} - {"__init__", "published"}
    assert files == published_table().keys()
    assert {"camvid", "camvid_segnet", "camvid_authors12", "cityscapes", "voc2012", "streets"} <= files
    assert titles()["voc2012"] == "PASCAL VOC 2012"


def test_a_dataset_from_outside_is_fetched_prepared_and_read(outside, site, make, tmp_path):
    members = {}
    for index in range(2):
        members[f"photos/{index}.png"] = make.png(make.noise(index))
        members[f"masks/{index}.png"] = make.png(np.full((24, 32), 1 + index, np.uint8))
    url = site.put("/kerbs.zip", make.page(make.zip_of(members)))
    (outside / "kerbs.py").write_text(kerbs(url))
    downloads, out = tmp_path / "downloads", tmp_path / "data" / "kerbs"
    for line in (
        ["fetch", "kerbs", "--downloads", downloads],
        ["prepare", "kerbs", "--downloads", downloads, "--out", out],
        ["verify", out],
        ["list"],
    ):
        done = cli(*line)
        assert done.exit_code == 0, done.exception
    assert "kerbs: Kerbs (1920x1080, 2 classes); test 2" in done.output
    made = open_dataset(out)
    assert [int(read_label(sample).max()) for sample in made.samples("test")] == [0, 1]
    assert load_protocol("paper").reading_of("kerbs").normalization == "half"
    assert load_protocol("standard").reading_of("kerbs").normalization == "imagenet"
    assert titles()["kerbs"] == "Kerbs"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("kerbs.py", "x = 1 +", "kerbs.py cannot be loaded: SyntaxError: invalid syntax"),
        ("kerbs.py", "import nothing_of_the_kind", "cannot be loaded: ModuleNotFoundError: No module named"),
        ("kerbs.py", "DATASET = 3", "does not define DATASET, a Published"),
        ("walls.py", kerbs("http://h/"), "defines the dataset 'kerbs'; name the file kerbs.py"),
        ("camvid.py", kerbs("http://h/"), "defines a second dataset 'camvid'"),
    ],
)
def test_a_file_from_outside_that_does_not_fit_is_refused(outside, name, text, words):
    (outside / name).write_text(text)
    with pytest.raises(UserError, match=words):
        published_table()


def test_a_folder_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPERSEG_DATASETS", str(tmp_path / "none"))
    with pytest.raises(UserError, match=r"HYPERSEG_DATASETS names .*none, which is no folder"):
        find_published("kerbs")


def test_streets_have_camvids_classes():
    from hyperseg.streets import CLASSES

    assert [(entry.name, entry.colour) for entry in get_published("streets").classes] == list(CLASSES)


def test_titles_and_readings_load_nothing_heavy_and_a_reading_only_its_own_dataset():
    """A report needs titles without torch; what an evaluation loads decides when it must run again."""
    code = (
        "import json, sys\n"
        "from hyperseg.evaluation.protocol import load_protocol\n"
        "load_protocol('paper').reading_of('voc2012')\n"
        "one = sorted(name for name in sys.modules if name.startswith('hyperseg.datasets'))\n"
        "from hyperseg.datasets.published import titles\n"
        "titles()\n"
        "print(json.dumps([one, sorted(set(sys.modules) & {'torch', 'PIL', 'requests', 'rich', 'pooch'})]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    one, heavy = json.loads(done.stdout)
    assert one == [
        "hyperseg.datasets",
        "hyperseg.datasets.published",
        "hyperseg.datasets.published.published",
        "hyperseg.datasets.published.voc2012",
    ]
    assert heavy == []


def test_every_published_dataset_names_a_source():
    for name, one in published_table().items():
        assert one.archives or one.made_by or one.alternative, name
        assert all(archive.urls or archive.gated for archive in one.archives), name
        assert one.licence.endswith("."), name
