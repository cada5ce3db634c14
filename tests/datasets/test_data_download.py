"""Downloads against a real server on loopback that drops, truncates, redirects, refuses and lies."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from hyperseg.datasets.disk import readable_size
from hyperseg.datasets.download import DownloadError, Patience, ResumingDownloader
from hyperseg.errors import UserError

BODY = random.Random(1).randbytes(400_000)
QUICK = Patience(connect_s=30, silence_s=30, attempts=3, pause_s=0)
HASTY = replace(QUICK, silence_s=0.4)  # where the server falls silent: elsewhere a busy machine must not look like that


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "file.bin"


def run(
    url: str, target: Path, expected: int | None = None, patience: Patience = QUICK
) -> list[tuple[int, int | None]]:
    seen: list[tuple[int, int | None]] = []
    part = target.with_name(f".{target.name}.part")
    ResumingDownloader(part, expected, lambda done, total: seen.append((done, total)), patience)(url, str(target))
    return seen


def test_plain_download_leaves_the_file_alone_in_its_folder(site, make, target):
    seen = run(site.put("/a", make.page(BODY)), target, len(BODY))
    assert target.read_bytes() == BODY
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]
    assert seen[-1] == (len(BODY), len(BODY))


def test_dropped_connections_are_resumed_where_they_broke(site, make, target):
    page = make.page(BODY, drop_after=150_000, times=2)
    run(site.put("/a", page), target)
    assert target.read_bytes() == BODY
    assert page.requests == [None, "bytes=150000-", "bytes=300000-"]


def begin(site, make, target: Path, path: str, stop: int) -> Path:
    """What a download that was ended after `stop` bytes leaves behind."""
    part = target.with_name(".file.bin.part")
    url = site.put(path, make.page(BODY, drop_after=stop))
    with pytest.raises(DownloadError):
        ResumingDownloader(part, patience=Patience(attempts=0, pause_s=0))(url, str(target))
    assert part.stat().st_size == stop
    return part


def test_a_beginning_left_by_an_ended_process_is_continued(site, make, target):
    begin(site, make, target, "/a", 100_000)
    page = make.page(BODY)
    run(site.put("/a", page), target)
    assert target.read_bytes() == BODY
    assert page.requests == ["bytes=100000-"]


def test_the_beginning_of_another_address_is_not_continued(site, make, target):
    begin(site, make, target, "/b", 100_000)
    page = make.page(BODY)
    run(site.put("/a", page), target)
    assert target.read_bytes() == BODY
    assert page.requests == [None]


@pytest.mark.parametrize("habit", [{"ranges": False}, {"etag": None}, {"etag": 'W/"1"'}])
def test_servers_without_ranges_or_validators_still_give_the_right_bytes(site, make, target, habit):
    page = make.page(BODY, drop_after=150_000, times=1, **habit)
    run(site.put("/a", page), target)
    assert target.read_bytes() == BODY
    assert len(page.requests) == 2


@pytest.mark.parametrize("etag", ['"2"', None])
def test_a_file_that_changed_meanwhile_is_begun_again(site, make, target, etag):
    begin(site, make, target, "/a", 100_000)
    newer = BODY[::-1] + b"longer"
    page = make.page(newer, etag=etag)
    run(site.put("/a", page), target)
    assert target.read_bytes() == newer
    assert page.requests[0] == "bytes=100000-"


def test_another_range_than_asked_for_is_thrown_away(site, make, target):
    page = make.page(BODY, drop_after=150_000, shift=7, times=2)
    run(site.put("/a", page), target)
    assert target.read_bytes() == BODY
    assert page.requests == [None, "bytes=150000-", None]


@pytest.mark.parametrize(("missing", "asked_again"), [(0, []), (1, [None])])
def test_a_part_that_is_whole_needs_no_byte_and_one_that_is_longer_than_the_file_is_begun_again(
    site, make, target, missing, asked_again
):
    page = make.page(BODY)
    url = site.put("/a", page)
    part = target.with_name(".file.bin.part")
    part.parent.mkdir()
    part.write_bytes(BODY)
    state = {"url": url, "etag": None, "modified": None, "total": len(BODY) + missing}
    part.with_name(part.name + ".json").write_text(json.dumps(state))
    run(url, target)
    assert target.read_bytes() == BODY
    assert page.requests == [f"bytes={len(BODY)}-", *asked_again]


def test_a_redirect_is_followed(site, make, target):
    site.put("/there", make.page(BODY))
    run(site.put("/a", make.page(status=302, location="/there")), target)
    assert target.read_bytes() == BODY


def test_a_passing_failure_is_waited_out(site, make, target):
    page = make.page(BODY, status=503, times=2)
    run(site.put("/a", page), target)
    assert target.read_bytes() == BODY
    assert len(page.requests) == 3


@pytest.mark.parametrize(
    ("habit", "words", "requests"),
    [
        ({"status": 403}, "it answers 403 Forbidden", 1),
        ({"status": 404}, "it answers 404 Not Found", 1),
        ({"status": 500}, "it answers 500 Internal Server Error", 3),
        ({"status": 429}, "it answers 429 Too Many Requests", 3),
        ({"status": 302, "location": "/a"}, "it redirects in circles", 31),
        ({"drop_after": 0}, "it drops the connection", 3),
        ({"silent_after": 0}, "it does not answer in time", 3),
    ],
)
def test_lasting_failures_end_in_a_few_words(site, make, target, habit, words, requests):
    page = make.page(BODY, **habit)
    with pytest.raises(DownloadError) as caught:
        run(site.put("/a", page), target, patience=HASTY if "silent_after" in habit else QUICK)
    assert str(caught.value) == words
    assert len(page.requests) == requests
    assert not target.exists()


def test_a_server_that_falls_silent_is_asked_for_the_rest(site, make, target):
    page = make.page(BODY, silent_after=200_000, times=1)
    run(site.put("/a", page), target, patience=replace(QUICK, silence_s=2))
    assert target.read_bytes() == BODY
    assert page.requests == [None, "bytes=196608-"], "all but the last unfinished piece is kept"


def test_a_closed_port_cannot_be_reached(site, make, target):
    url = site.put("/a", make.page(BODY))
    site.close()
    with pytest.raises(DownloadError, match=r"^it cannot be reached$"):
        run(url, target)


@pytest.mark.parametrize("length", [True, False])
def test_a_file_of_another_size_than_known_is_refused(site, make, target, length):
    with pytest.raises(DownloadError, match=r"it offers 400000 bytes, expected 1000|it sends more than the 1000 bytes"):
        run(site.put("/a", make.page(BODY, length=length)), target, expected=1000)
    assert not target.exists()


def test_two_processes_do_not_write_one_file(site, make, target):
    part = target.with_name(".file.bin.part")
    part.parent.mkdir()
    held = FileLock(part.with_name(part.name + ".lock"))
    with held, pytest.raises(UserError, match="another process is downloading"):
        run(site.put("/a", make.page(BODY)), target)
    run(site.put("/a", make.page(BODY)), target)
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("habit", [{"announced": len(BODY) + 10}, {"drop_after": 150_000, "refuses_ranges": True}])
def test_a_server_that_never_comes_further_is_given_up(site, make, target, habit):
    """A body shorter than announced, and 416 to every range: both come to the same place again and again."""
    page = make.page(BODY, **habit)
    with pytest.raises(DownloadError):
        run(site.put("/a", page), target)
    assert len(page.requests) < 12
    assert not target.exists()


@pytest.mark.parametrize("etag", ['"2"', None, 'W/"2"'])
def test_a_file_that_changed_at_equal_length_is_never_spliced(site, make, target, etag):
    """The server does not know If-Range: the end of the new file comes with 206, and only its validator tells."""
    begin(site, make, target, "/a", 100_000)
    newer = BODY[::-1]
    page = make.page(newer, etag=etag, conditions=False)
    run(site.put("/a", page), target)
    assert target.read_bytes() == newer
    assert page.requests == ["bytes=100000-", None]


def test_a_weak_validator_that_stays_the_same_lets_a_download_go_on(site, make, target):
    page = make.page(BODY, etag='W/"1"', drop_after=150_000, times=2)
    run(site.put("/a", page), target)
    assert target.read_bytes() == BODY
    assert page.requests[1] == "bytes=150000-"


def test_the_known_size_is_checked_though_none_is_announced(site, make, target):
    page = make.page(BODY, length=False)
    with pytest.raises(DownloadError, match=r"it stopped after 400000 of 400001 bytes|it refuses to resume"):
        run(site.put("/a", page), target, expected=len(BODY) + 1)
    assert not target.exists()


def test_a_size_that_no_disk_holds_is_the_addresss_fault(site, make, target):
    with pytest.raises(DownloadError, match=r"it offers 10\.0 TB, and the disk has "):
        run(site.put("/a", make.page(BODY, announced=10**13)), target)


@pytest.mark.parametrize("length", [True, False])
def test_a_file_larger_than_its_dataset_is_refused(site, make, target, length):
    part = target.with_name("part")
    url = site.put("/a", make.page(BODY, length=length))
    with pytest.raises(
        DownloadError, match=r"it offers 400 kB, and no more than 100 kB fit|it sends more than the 100000"
    ):
        ResumingDownloader(part, patience=QUICK, most=100_000)(url, str(target))
    assert not target.exists()


def test_sizes_are_told_in_a_unit_that_fits():
    assert [readable_size(n) for n in (0, 999, 1000, 380_000, 99_940_000, 10**13)] == [
        "0 bytes", "999 bytes", "1.0 kB", "380 kB", "99.9 MB", "10.0 TB",
    ]  # fmt: skip
