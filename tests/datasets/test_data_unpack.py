"""Archives that are not trusted: nothing leaves the target, only plain files arrive, bombs are stopped."""

import gzip
import io
import stat
import struct
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from folder_content import files_in
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyperseg.datasets.unpack import Limits, unpack
from hyperseg.errors import UserError

EVIL = ["../a.png", "a/../../b.png", "/a.png", "//a.png", "C:/a.png", "C:a.png", "a\\..\\..\\b.png", "..", "x" * 300]


def zipped(path: Path, files: dict[str, bytes], change: Callable[[zipfile.ZipInfo], None] = lambda info: None) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo("placeholder")
            info.filename = info.orig_filename = name
            info.compress_type = zipfile.ZIP_DEFLATED
            change(info)
            archive.writestr(info, data)
    return path


def tarred(path: Path, members: dict[str, bytes | tarfile.TarInfo], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def special(kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo("a.png")
    info.type, info.linkname = kind, link
    return info


def refused(archive: Path, tmp_path: Path, words: str, limits: Limits | None = None) -> None:
    """Refused with these words, before anything was written anywhere."""
    before = sorted(tmp_path.rglob("*"))
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(UserError, match=words):
        unpack(archive, target, limits)
    assert sorted(tmp_path.rglob("*")) == sorted([*before, target])


@pytest.mark.parametrize("name", EVIL)
def test_names_that_lead_outside_are_refused(tmp_path, name):
    refused(zipped(tmp_path / "a.zip", {"good.png": b"1", name: b"2"}), tmp_path, "leads outside the target")


@pytest.mark.parametrize("name", EVIL)
def test_tar_names_that_lead_outside_are_refused(tmp_path, name):
    archive = tarred(tmp_path / "a.tar", {"good.png": b"1", name: b"2"})
    refused(archive, tmp_path, "leads outside the target")


@pytest.mark.parametrize(
    "member",
    [
        special(tarfile.SYMTYPE, link="/etc/passwd"),
        special(tarfile.LNKTYPE, link="good.png"),
        special(tarfile.CHRTYPE),
        special(tarfile.BLKTYPE),
        special(tarfile.FIFOTYPE),
    ],
    ids=["symlink", "hard link", "character device", "block device", "pipe"],
)
def test_tar_links_and_devices_are_refused(tmp_path, member):
    archive = tarred(tmp_path / "a.tar", {"good.png": b"1", "bad": member})
    refused(archive, tmp_path, r"'a\.png' is a link, a device or a sparse file")


@pytest.mark.parametrize("name", ["a\x1b[31m.png", "a\nb.png", "a\u202eb.png"])
def test_names_that_a_terminal_would_obey_are_refused(tmp_path, name):
    with pytest.raises(UserError, match="has a name with control characters; get the archive again") as caught:
        unpack(zipped(tmp_path / "a.zip", {name: b"1"}), tmp_path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("kind", ["L", "x"])
def test_a_header_of_any_length_costs_no_memory(tmp_path, kind):
    """A long name or a set of attributes of 300 MB, packed into 300 kB, is refused before it is read."""
    header = tarfile.TarInfo("long")
    header.type, header.size = kind.encode(), 300_000_000
    path = tmp_path / "a.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(header.tobuf(tarfile.GNU_FORMAT))
        for _ in range(300):
            packed.write(bytes(1_000_000))
    tracemalloc.start()
    refused(path, tmp_path, "it has a header of over 1048576 bytes")
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_zip_links_and_devices_are_refused(tmp_path, kind):
    def change(info: zipfile.ZipInfo) -> None:
        info.create_system, info.external_attr = 3, (kind | 0o777) << 16

    refused(zipped(tmp_path / "a.zip", {"a.png": b"/etc/passwd"}, change), tmp_path, "is a link or a device")


def test_encrypted_zip_is_refused(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"a.png": b"secret"})
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    archive.write_bytes(data)
    refused(archive, tmp_path, r"is encrypted \(member a\.png\)")


@pytest.mark.parametrize("name", ["inner.zip", "deep/inner.TAR.GZ", "a.7z", "b.rar"])
def test_nested_archives_are_refused(tmp_path, name):
    refused(zipped(tmp_path / "a.zip", {"a.png": b"1", name: b"2"}), tmp_path, "is an archive itself")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.png", b"1")
        archive.writestr("A.png", b"2")
    refused(tmp_path / "a.zip", tmp_path, "is there twice")


def test_too_many_files_and_bytes_are_refused(tmp_path):
    many = zipped(tmp_path / "many.zip", {f"{i}.png": b"" for i in range(11)})
    refused(many, tmp_path, "more than 10 files", Limits(files=10))
    (tmp_path / "target").rmdir()
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.png", bytes(5_000_000))
    assert bomb.stat().st_size < 10_000
    refused(bomb, tmp_path, r"unpacks to over 4\.0 MB", Limits(total_bytes=4_000_000))
    (tmp_path / "target").rmdir()
    packed = tarred(tmp_path / "bomb.tar.gz", {"zeros.png": bytes(5_000_000)}, "w:gz")
    refused(packed, tmp_path, r"unpacks to over 4\.0 MB", Limits(total_bytes=4_000_000))


def test_a_member_that_hides_its_size_is_stopped(tmp_path):
    """The directory says 10 bytes, the stream holds five million."""
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("zeros.png", bytes(5_000_000))
    data = bytearray(archive.read_bytes())
    size = struct.pack("<I", 5_000_000)
    while size in data:
        data[data.index(size) : data.index(size) + 4] = struct.pack("<I", 10)
    archive.write_bytes(data)
    target = tmp_path / "target"
    target.mkdir()
    with pytest.raises(UserError, match=r"cannot be unpacked|longer than it says"):
        unpack(archive, target)
    assert sum(path.stat().st_size for path in target.rglob("*")) <= 10


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.xz", "tar.bz2"])
def test_damaged_archives_are_told_in_one_sentence(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    content = {"a.png": bytes(range(256)) * 400, "b.png": bytes(range(255, -1, -1)) * 400}
    if kind == "zip":
        zipped(path, content)
    else:
        tarred(path, content, "w" + kind.removeprefix("tar").replace(".", ":"))
    whole = path.read_bytes()
    told = []
    for index, place in enumerate(range(0, len(whole), max(1, len(whole) // 60))):
        broken = bytearray(whole)
        broken[place] ^= 0xFF
        for name, data in (("changed", bytes(broken)), ("cut", whole[:place])):
            damaged = tmp_path / f"{name}{index}"
            damaged.write_bytes(data)
            target = tmp_path / f"target-{name}{index}"
            target.mkdir()
            try:
                unpack(damaged, target)
            except UserError as error:
                told.append(str(error))
    assert len(told) > 20
    assert not [words for words in told if "\n" in words]


def test_litter_of_other_systems_is_left_out(tmp_path):
    archive = zipped(tmp_path / "a.zip", {"__MACOSX/._a.png": b"x", "d/.DS_Store": b"x", "d/a.png": b"1"})
    target = tmp_path / "target"
    target.mkdir()
    assert unpack(archive, target) == 1
    assert [path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()] == ["d/a.png"]


# Without the letters of .xz and .zip: archives within an archive are refused.
NAMES = st.lists(
    st.text(st.sampled_from("abcdWQY09._- é"), min_size=1, max_size=8).filter(lambda name: name.strip(".") != ""),
    min_size=1,
    max_size=4,
).map("/".join)
TREES = st.dictionaries(NAMES, st.binary(max_size=300), max_size=6).filter(
    lambda tree: (
        len({name.lower() for name in tree}) == len(tree)
        and not any(
            str(parent).lower() in {other.lower() for other in tree}
            for name in tree
            for parent in PurePosixPath(name).parents
        )
    )
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES, kind=st.sampled_from(["zip", "tar", "tar.gz", "tar.xz"]))
def test_any_plain_tree_comes_out_as_it_went_in(tmp_path_factory, tree, kind):
    folder = tmp_path_factory.mktemp("tree")
    path = folder / f"a.{kind}"
    if kind == "zip":
        zipped(path, tree)
    else:
        tarred(path, dict(tree), {"tar": "w", "tar.gz": "w:gz", "tar.xz": "w:xz"}[kind])
    target = folder / "target"
    target.mkdir()
    assert unpack(path, target) == len(tree)
    assert files_in(target) == {PurePosixPath(name).as_posix(): data for name, data in tree.items()}


@settings(max_examples=150, deadline=None)
@given(name=st.text(st.sampled_from("ab./\\: \0é\u202e"), min_size=1, max_size=12), tar=st.booleans())
def test_no_name_whatsoever_leaves_the_target(tmp_path_factory, name, tar):
    folder = tmp_path_factory.mktemp("name")
    path = folder / "archive"
    if tar:
        tarred(path, {name: b"x"})
    else:
        zipped(path, {name: b"x"})
    target = folder / "inner" / "target"
    target.mkdir(parents=True)
    try:
        unpack(path, target)
    except UserError:
        assert not any(target.iterdir())
    outside = [p for p in folder.rglob("*") if p.is_file() and p != path and not p.is_relative_to(target)]
    assert outside == []


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=600), head=st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"BZh9"]))
def test_no_bytes_whatsoever_end_in_a_traceback(tmp_path_factory, data, head):
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "archive").write_bytes(head + data)
    (folder / "target").mkdir()
    with pytest.raises(UserError, match=r"\A[^\n]+\Z"):
        unpack(folder / "archive", folder / "target")
