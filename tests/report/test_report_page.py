"""The page: self-contained, complete, escaped, every number linked to its record."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image
from record_factory import demo, evaluation, latency, machine, network, write
from scored_images import write_strips

from hyperseg.errors import UserError
from hyperseg.files import sha256_file
from hyperseg.records.strips import STRIPS_FILE
from hyperseg.report.audit import findings
from hyperseg.report.build import Sources, build_report
from hyperseg.report.page.embed import read_photos

OUTWARD = {
    "https://arxiv.org/abs/2012.11582", "https://nirkin.com/hyperseg", "https://github.com/YuvalNirkin/hyperseg",
}  # fmt: skip


class Page(HTMLParser):
    """What the tests ask of a page: tags with attributes, ids, links, text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    handle_startendtag = handle_starttag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    @property
    def ids(self) -> list[str]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    folder = tmp_path_factory.mktemp("page")
    records = demo()
    hostile = "<script>alert(1)</script>"
    records["x/hostile.json"] = latency(
        "camvid_hyperseg_s", at=machine(cpu=f"{hostile} & co", fingerprint="f" * 12), campaign=hostile,
        net=network(hostile), verdict="INVALID",
    )  # fmt: skip
    write(folder / "records", records)
    Image.new("RGB", (8, 6), "teal").save(folder / "overlay.png")
    card = {
        "id": "streets", "title": f"Streets {hostile}", "licence": None,
        "classes": [{"name": "Sky", "colour": [128, 128, 128]}, {"name": "Road", "colour": [128, 64, 128]}],
        "splits": {"train": 96, "test": 24},
    }  # fmt: skip
    (folder / "card.json").write_text(json.dumps(card))
    peers = root / "results/published/published_peers_web.csv"
    sources = Sources(
        title="A <b>title</b>", paper=root / "results/paper/paper.csv", peers=[peers],
        cards=[folder / "card.json"], pictures=[folder / "overlay.png"],
    )  # fmt: skip
    build_report(folder / "out", [folder / "records"], sources)
    return folder / "out"


@pytest.fixture(scope="module")
def page(built: Path) -> Page:
    return Page((built / "index.html").read_text(encoding="utf-8"))


def test_the_page_asks_no_one_for_anything(page: Page, built: Path) -> None:
    for tag, attributes in page.tags:
        assert tag not in {"iframe", "object", "embed"}
        assert tag != "script" or "src" not in attributes
        for name in ("src", "href", "xlink:href", "srcset", "data", "poster"):
            target = attributes.get(name, "")
            if tag == "a" and target in OUTWARD:
                continue  # followed by a reader's click alone
            assert not re.match(r"[a-z]+:|//", target) or target.startswith("data:"), (tag, target)
    text = (built / "index.html").read_text(encoding="utf-8")
    assert "@import" not in text
    assert not re.search(r"url\((?!#)", text)


def test_links_resolve_and_ids_are_unique(page: Page, built: Path) -> None:
    assert len(page.ids) == len(set(page.ids))
    targets = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert targets
    for target in set(targets) - OUTWARD:
        assert target[1:] in page.ids if target.startswith("#") else (built / target).is_file(), target
    used = [a["href"] for tag, a in page.tags if tag == "use"]
    assert used
    assert all(target[1:] in page.ids for target in used)


def test_every_record_is_listed_with_its_hash_and_numbers_link_to_it(page: Page, built: Path) -> None:
    records = json.loads((built / "report.json").read_text())["records"]
    assert len(records) == 21
    text = " ".join(page.text)
    linked = {anchor for tag, a in page.tags if tag == "a" for anchor in a.get("data-r", "").split()}
    for record in records:
        anchor = f"record-{record['sha256'][:12]}"
        assert anchor in page.ids
        assert record["file"] in text
        assert anchor in linked


def test_values_are_escaped(page: Page, built: Path) -> None:
    assert "<script>alert(1)</script> & co" in "".join(page.text)
    assert "A <b>title</b>" in page.text
    assert [tag for tag, _ in page.tags].count("script") == 2  # the data and the page's own
    # a record's network becomes part of table and metric names, never of a path
    assert all(path.resolve().is_relative_to(built.resolve()) for path in built.rglob("*"))


def test_phone_and_dark(page: Page, built: Path) -> None:
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
    text = (built / "index.html").read_text(encoding="utf-8")
    assert "color-scheme: light dark" in text
    tables = [i for i, (tag, _) in enumerate(page.tags) if tag == "table"]
    assert tables
    assert all("box" in page.tags[i - 1][1].get("class", "") for i in tables)  # each scrolls in its own box
    assert "#24292f" not in text  # the figures' ink follows the page's


def test_audit_verdicts_provenance_pictures_and_cards_are_there(page: Page) -> None:
    text = " ".join(" ".join(page.text).split())
    for finding in findings():
        assert f"finding-{finding.id}" in page.ids
        assert finding.title in text
    assert len(findings()) == 9
    badges = {a["class"] for tag, a in page.tags if tag == "span" and a.get("class", "").startswith("badge")}
    assert badges == {"badge smoke", "badge invalid", "badge unmeasured"}
    assert "No record of this pair yet" in text
    assert "5 latencies are from smoke runs" in text
    assert "1 latency is INVALID" in text
    assert "c0ffee" in text
    assert "timm 0.0, torch 0.0" in text
    assert "arXiv 2012.11582" in text
    assert "img" in {tag for tag, _ in page.tags}
    assert "overlay.png" in text
    assert "rgb(128,64,128)" in str([a.get("style") for _, a in page.tags])
    assert "not comparable" in text


def test_the_same_records_make_the_same_bytes(built: Path, tmp_path: Path, root: Path) -> None:
    folder = built.parent
    sources = Sources(
        title="A <b>title</b>", paper=root / "results/paper/paper.csv",
        peers=[root / "results/published/published_peers_web.csv"],
        cards=[folder / "card.json"], pictures=[folder / "overlay.png"],
    )  # fmt: skip
    build_report(tmp_path / "again", [folder / "records"], sources)
    names = sorted(path.relative_to(built) for path in built.rglob("*") if path.is_file())
    assert names == sorted(p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file())
    for name in names:
        assert (built / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_pictures_of_one_name_in_two_campaigns_are_shown_once_or_told_apart(tmp_path: Path) -> None:
    lists = []
    for campaign in ("one", "other"):
        write_strips(tmp_path / campaign)
        lists.append(tmp_path / campaign / "strips" / STRIPS_FILE)
    assert [photo.name for photo in read_photos([], lists)] == ["s-1.png", "s-2.png"]  # the same in both
    first, old = lists[1].with_name("s-1.png"), sha256_file(lists[1].with_name("s-1.png"))
    Image.new("RGB", (8, 6), (0, 0, 9)).save(first)
    new = sha256_file(first)
    lists[1].write_text(lists[1].read_text().replace(old, new))
    names = [photo.name for photo in read_photos([], lists)]
    assert names == [f"s-1-{old[:8]}.png", "s-2.png", f"s-1-{new[:8]}.png"]


def test_two_scores_of_nothing_are_bars_of_no_length(tmp_path: Path) -> None:
    """A network that answers one class everywhere may score 0 with and without the class that is absent."""
    build_report(tmp_path / "out", [write(tmp_path / "records", {"e.json": evaluation(miou=0.0, interval=False)})])
    assert 'style="width:0.0%"' in (tmp_path / "out/index.html").read_text()


def test_strips_among_the_records_are_shown_with_score_and_weights(tmp_path: Path) -> None:
    record = write_strips(tmp_path / "records")
    build_report(tmp_path / "out", [tmp_path / "records"])
    page = Page((tmp_path / "out/index.html").read_text(encoding="utf-8"))
    text = " ".join("".join(page.text).split())
    weights = str(record.network.weights_sha256)[:12]
    assert "HyperSeg-S (CamVid), b: mIoU 50.0 %, " in text
    assert f"weights {weights}; {record.numbers.miou_percent:.1f} % of the split" in text  # type: ignore[union-attr]
    assert text.index(", b: mIoU") < text.index(", a: mIoU 70.8 %")
    assert {path.name for path in (tmp_path / "out/pictures").iterdir()} == {"s-1.png", "s-2.png"}
    changed = tmp_path / "records/strips/s-1.png"
    changed.write_bytes(changed.read_bytes() + b"more")
    with pytest.raises(UserError, match="is not the one that"):
        build_report(tmp_path / "out", [tmp_path / "records"])
