"""The readers of zip and tar against the standard library's: what these write, they read alike."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from echo_image.errors import CorruptArchive
from echo_image.ingest.sources.archives.limits import ArchiveLimits, Budget
from echo_image.ingest.sources.archives.naming import kind_of
from echo_image.ingest.sources.archives.streams import open_stream
from echo_image.ingest.sources.archives.tars import tar_members
from echo_image.ingest.sources.archives.zips import zip_members
from tests.archived import TAR_END, Lie, deflated, lying_zip, tar_header, tar_member, tarred, zipped

pytestmark = pytest.mark.filterwarnings("ignore:Duplicate name")

LIMITS = ArchiveLimits(500_000, 2**40, 200, 2, 2**30, 2**28)
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "tar": bytes,
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


def read(data: bytes, limits: ArchiveLimits = LIMITS) -> list[tuple[str, bytes]]:
    file = io.BytesIO(data)
    budget = Budget(limits, len(data))
    kind = kind_of(file, "x.zip")
    members = (
        zip_members(file, budget) if kind == "zip" else tar_members(open_stream(file, kind, budget), budget)
    )
    return [(member.name, b"".join(member.pieces())) for member in members]


_names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="/\0\\"), min_size=1, max_size=120
).filter(lambda name: name not in (".", ".."))
_members = st.lists(
    st.tuples(st.lists(_names, min_size=1, max_size=3).map("/".join), st.binary(max_size=2000)), max_size=5
)


@given(_members, st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]), st.binary(max_size=50))
def test_zip_is_read_as_it_was_written(members: list[tuple[str, bytes]], method: int, before: bytes) -> None:
    """Also with something before it, as a program that unpacks itself."""
    assert read(before.replace(b"PK", b"") + zipped(members, method)) == members


@given(_members, st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]), st.sampled_from(sorted(PACKERS)))
def test_tar_is_read_as_it_was_written(
    members: list[tuple[str, bytes]], tar_format: int, packer: str
) -> None:
    assert read(PACKERS[packer](tarred(members, tar_format))) == members


@given(st.lists(st.text("ab", min_size=1, max_size=90), min_size=1, max_size=3), st.binary(max_size=1500))
def test_ustar_puts_long_names_together(names: list[str], data: bytes) -> None:
    name = "/".join(names)
    try:
        written = tarred([(name, data)], tarfile.USTAR_FORMAT)
    except ValueError:
        return  # too long for this format
    assert read(written) == [(name, data)]


@pytest.mark.parametrize("packer", ["bz2", "xz", "gz", "zst"])
def test_streams_behind_each_other_are_one(packer: str) -> None:
    data = tarred([("a.png", b"x" * 5000), ("b.png", b"y" * 5000)])
    pack = PACKERS[packer]
    between = bytes(8) if packer == "xz" else b""
    assert read(pack(data[:3000]) + between + pack(data[3000:])) == [
        ("a.png", b"x" * 5000),
        ("b.png", b"y" * 5000),
    ]


def test_only_regular_files_are_given() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for kind in (tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo("x.png")
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
        archive.addfile(tarfile.TarInfo("last.png"))
    assert read(stream.getvalue()) == [("last.png", b"")]
    link, folder, plain = 0o120777, 0o040755, 0o100644
    lies = [Lie(b"l.png", deflated(b"/etc"), mode=link), Lie(b"d/", deflated(b""), mode=folder)]
    assert read(lying_zip([*lies, Lie(b"f.png", deflated(b"f"), mode=plain)])) == [("f.png", b"f")]


def test_zip64_numbers() -> None:
    lies = [Lie(b"a.png", deflated(b"a" * 100), zip64=True), Lie(b"b.png", deflated(b"b"), zip64=True)]
    assert read(lying_zip(lies)) == [("a.png", b"a" * 100), ("b.png", b"b")]


def test_zip64_end_for_more_entries_than_the_old_one_can_count() -> None:
    members = [(f"{number}", b"") for number in range(66_000)]
    assert read(zipped(members, zipfile.ZIP_STORED)) == members


def test_old_and_foreign_tar_headers() -> None:
    old = tar_member(b"old.png", b"x", b"\0", magic=bytes(8)) + tar_member(
        b"folder/", b"", b"\0", magic=bytes(8)
    )
    gnu = tar_member(b"gnu.png", b"y", magic=b"ustar  \0", at_345=b"not a prefix")
    told = tar_member(b"x", b"14 path=p.png\n14 size=00003\n", b"x")
    wide = bytearray(tar_header(b"wide.png", 1, at_124=b"\x80" + (1).to_bytes(11, "big")))
    data = old + gnu + told + tar_member(b"short", b"zzz") + bytes(wide) + b"w" + bytes(511) + TAR_END
    assert read(data) == [("old.png", b"x"), ("gnu.png", b"y"), ("p.png", b"zzz"), ("wide.png", b"w")]


def test_names_that_are_not_utf8() -> None:
    lies = [
        Lie("größe.png".encode(), deflated(b"")),  # UTF-8 that is not said to be
        Lie("größe2.png".encode("cp437"), deflated(b"")),
        Lie(b"\xff\xfe.png", deflated(b""), flags=0x800),  # said to be and is not
        Lie(b"nul\0.png", deflated(b"")),
        Lie(b"./a//b/./c.png", deflated(b"")),
    ]
    assert [name for name, _ in read(lying_zip(lies))] == [
        "größe.png",
        "größe2.png",
        "\udcff\udcfe.png",
        "nul\\x00.png",
        "a/b/c.png",
    ]
    tar = tar_member(b"\xe9.png", b"") + tar_member(b"h", b"16 path=a\0b.png\n", b"x") + tar_member(b"x", b"")
    assert [name for name, _ in read(tar + TAR_END)] == ["\udce9.png", "a\\x00b.png"]


def test_what_is_not_read_of_the_one_before_is_passed_over() -> None:
    for data in (
        tarred([("a", b"x" * 3000), ("b", b"y")]),
        gzip.compress(tarred([("a", b"x" * 3000), ("b", b"y")])),
    ):
        file, budget = io.BytesIO(data), Budget(LIMITS, len(data))
        members = tar_members(open_stream(file, kind_of(file, ""), budget), budget)
        first = next(members)
        next(first.pieces())
        assert b"".join(next(members).pieces()) == b"y"


@pytest.mark.parametrize("packer", sorted(PACKERS))
@given(st.data())
def test_cut_short_is_told_and_what_came_before_is_given(packer: str, data: st.DataObject) -> None:
    members = [(f"{number}.png", bytes([number]) * 700) for number in range(4)]
    whole = PACKERS[packer](tarred(members, tarfile.USTAR_FORMAT)[: 4 * 1536 + 1024])
    cut = whole[: data.draw(st.integers(0, len(whole) - (1024 if packer == "tar" else 1)))]
    file, budget = io.BytesIO(cut), Budget(LIMITS, len(cut))
    found = []
    try:
        for member in tar_members(open_stream(file, kind_of(file, ""), budget), budget):
            found.append((member.name, b"".join(member.pieces())))
    except CorruptArchive as error:
        assert error.hint
    else:
        # Zstandard's reader tells nothing of a missing checksum at the end.
        assert packer == "zst"
        assert len(found) == 4
    assert found == members[: len(found)]


@given(
    st.binary(max_size=3000),
    st.sampled_from([b"PK\3\4", b"", b"PK\5\6" + bytes(18), b"\x1f\x8b\x08\0", b"BZh9"]),
)
def test_anything_else_is_no_archive(data: bytes, start: bytes) -> None:
    if start[:4] == b"PK\5\6" and not data:
        return
    with contextlib.suppress(CorruptArchive):
        assert read(start + data) == []


@given(st.integers(0, 10**6), st.integers(0, 255))
def test_one_changed_byte_gives_the_same_or_an_error(at: int, value: int) -> None:
    """Whatever byte is changed: never a crash, and contents only where their checksum is right."""
    members = [("a.png", b"abc" * 300), ("b.png", b"x")]
    whole = bytearray(zipped(members))
    whole[at % len(whole)] = value
    try:
        found = read(bytes(whole))
    except CorruptArchive:
        return
    assert {data for _, data in found} <= {data for _, data in members}
