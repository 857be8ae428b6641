"""Archives made to do harm: each is refused by the limit it crosses, before it costs anything."""

from __future__ import annotations

import gzip
import io
import lzma
import resource
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from echo_image.catalogue import UNKNOWN
from echo_image.errors import CorruptArchive, EchoImageError, LimitExceeded
from echo_image.ingest.sources import Archive, Offered, SourceContext
from echo_image.ingest.sources.archives.limits import ArchiveLimits, Budget
from echo_image.ingest.sources.archives.walking import Walk
from echo_image.ingest.sources.patterns import Selection
from tests.archived import PNG, TAR_END, Lie, deflated, lying_zip, tar_header, tar_member, tarred, zipped
from tests.libraries import write

ZEROS = deflated(bytes(2**25))


def outcome(data: bytes, context: SourceContext, path: Path, **options: int) -> tuple[list[str], str]:
    """Read all that an archive offers; return the failures of its items and the error that ended it."""
    source = Archive(str(write(path / "x.zip", data)), **options)  # type: ignore[arg-type]
    failures = []
    try:
        for item in source.offer(context):
            assert isinstance(item, Offered)
            failures.append(item.problem)
            if item.read is not None:
                try:
                    assert len(item.read()) <= context.decode_limits.max_bytes
                except EchoImageError as error:
                    failures[-1] = f"{error.code}: {error.message}"
    except EchoImageError as error:
        assert error.hint
        return failures, f"{error.code}: {error.message}"
    return failures, ""


def test_entries_that_share_their_bytes(tmp_path: Path, context: SourceContext) -> None:
    """The densest bombs: every entry unpacks the same kernel."""
    one = Lie(b"000.png", ZEROS, size=2**25, crc=0)
    lies = [one, *(replace(one, name=b"%03d.png" % number, offset=0) for number in range(1, 1000))]
    failures, ended = outcome(lying_zip(lies), context, tmp_path)
    assert failures == []
    assert "overlap" in ended
    nearly = [one, Lie(b"1.png", ZEROS[:-60], size=2**25, crc=0, offset=40)]
    assert "overlap" in outcome(lying_zip(nearly), context, tmp_path)[1]


def test_archives_within_archives_of_zeros(tmp_path: Path, context: SourceContext) -> None:
    """Five levels of ten: 100,000 files of 32 MiB, in some KB."""
    data = lying_zip([Lie(b"%d.png" % number, ZEROS) for number in range(10)])
    for _ in range(4):
        data = zipped([(f"{number}.zip", data) for number in range(10)])
    failures, ended = outcome(data, context, tmp_path, max_depth=9)
    assert "200 unpacked bytes for each of its" in ended
    assert len(failures) < 50
    failures, ended = outcome(data, context, tmp_path)
    assert not ended
    assert all("opened 2 deep" in failure for failure in failures)


def test_one_that_holds_itself_is_opened_so_deep_and_no_deeper(
    tmp_path: Path, context: SourceContext
) -> None:
    data = zipped([("a.png", PNG)])
    for _ in range(30):
        data = zipped([("in.zip", data), ("a.png", PNG)])
    failures, ended = outcome(data, context, tmp_path, max_depth=3)
    assert not ended
    assert len(failures) == 5
    assert [bool(failure) for failure in failures] == [True, False, False, False, False]


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, zstandard.ZstdCompressor().compress])
def test_a_packed_tar_of_zeros(tmp_path: Path, context: SourceContext, pack: object) -> None:
    data = pack(tar_header(b"notes.txt", 2**33) + bytes(2**27))  # type: ignore[operator]
    _failures, ended = outcome(data, context, tmp_path)
    assert "200 unpacked bytes for each of its" in ended


def test_limits_of_the_whole_are_named_with_their_numbers(tmp_path: Path, context: SourceContext) -> None:
    data = zipped([(f"{number}.png", PNG + bytes(1000)) for number in range(10)])
    assert "more than 7 members" in outcome(data, context, tmp_path, max_members=7)[1]
    failures, ended = outcome(data, context, tmp_path, max_unpacked_bytes=3500)
    assert "more than 3,500 unpacked bytes" in ended
    assert [failure[:14] for failure in failures] == ["", "", "", "limit_exceeded"]
    data = tarred([(f"{number}.png", b"") for number in range(10)])
    assert "more than 7 members" in outcome(data, context, tmp_path, max_members=7)[1]


def test_a_member_that_is_too_large_is_not_read(tmp_path: Path, context: SourceContext) -> None:
    small = replace(context, decode_limits=replace(context.decode_limits, max_bytes=1000))
    members = [
        ("a.png", bytes(1001)),
        ("b.png", bytes(1000)),
        ("film.mov", bytes(10**6)),
        ("odd.dat", PNG + bytes(10**4)),
    ]
    for data in (zipped(members), tarred(members)):
        failures, ended = outcome(data, small, tmp_path)
        assert not ended
        assert "1,001 bytes; the limit is 1,000 bytes" in failures[0]
        assert not failures[1]
        assert failures[2].startswith("unsupported_format")
        assert "the limit is 1,000 bytes" in failures[3]


def test_a_nested_archive_that_is_too_large_is_an_item(tmp_path: Path, context: SourceContext) -> None:
    data = zipped([("in.zip", zipped([("a.png", bytes(5000))], 0)), ("b.png", PNG)])
    failures, ended = outcome(data, context, tmp_path, max_nested_bytes=4000)
    assert not ended
    assert "the limit is 4,000 bytes" in failures[0]
    assert failures[1] == ""
    assert outcome(data, context, tmp_path, max_depth=0)[0][0].startswith("unsupported_format")


def test_sizes_that_lie(tmp_path: Path, context: SourceContext) -> None:
    lies = [
        Lie(b"smaller.png", deflated(bytes(5000)), size=100),
        Lie(b"larger.png", deflated(bytes(5000)), size=6000, crc=0),
        Lie(b"bytes.png", deflated(bytes(5000)), crc=7),
        Lie(b"huge.png", deflated(b"x"), size=2**62, crc=0, zip64=True),
        Lie(b"damaged.png", b"\xff" * 50, size=50, crc=0),
        Lie(b"honest.png", deflated(PNG)),
    ]
    failures, ended = outcome(lying_zip(lies), context, tmp_path)
    assert not ended
    assert [failure.partition(":")[0] for failure in failures] == [
        "corrupt_archive",
        "corrupt_archive",
        "corrupt_archive",
        "limit_exceeded",
        "corrupt_archive",
        "",
    ]


@pytest.mark.parametrize(
    "lie",
    [
        Lie(b"a.png", b"xx", 2, 0, offset=2**40, zip64=True),
        Lie(b"a.png", b"xx", 2, 0, offset=2**64 - 1, zip64=True),
        Lie(b"a.png", b"xx", 2, 0, offset=7),
    ],
)
def test_places_that_lie(tmp_path: Path, context: SourceContext, lie: Lie) -> None:
    assert "lies outside" in outcome(lying_zip([lie]), context, tmp_path)[1]


def test_encrypted_and_strangely_packed_members(tmp_path: Path, context: SourceContext) -> None:
    lies = [
        Lie(b"a.png", b"xx", 2, 0, flags=1),
        Lie(b"a.txt", b"xx", 2, 0, flags=1),
        Lie(b"b.png", b"xx", 2, 0, method=14),
        Lie(b"c.zip", b"xx", 2, 0, flags=1),
    ]
    path = write(tmp_path / "x.zip", lying_zip(lies))
    items = [item for item in Archive(str(path)).offer(context) if isinstance(item, Offered)]
    assert [(item.code, item.skipped) for item in items] == [
        ("unreadable", False),
        ("unreadable", True),
        ("unreadable", False),
        ("unreadable", False),
    ]
    assert "encrypted" in items[0].problem
    assert "method 14" in items[2].problem


def test_a_million_entries(tmp_path: Path, context: SourceContext) -> None:
    """Refused while they are counted: no object for each is ever held."""
    same = [Lie(b"a", b"", 0, 0, offset=0, method=0)] * 999_999
    data = lying_zip([Lie(b"a", b"", 0, 0, method=0), *same])
    path = write(tmp_path / "x.zip", data)
    del data, same
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(LimitExceeded, match="more than 500,000 members"):
        list(Archive(str(path)).offer(context))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KiB


@pytest.mark.parametrize(
    "start",
    [
        tar_header(b"././@LongLink", 2**33, b"L"),
        tar_header(b"././@LongLink", 2**33, b"K"),
        tar_header(b"pax", 2**33, b"x"),
        tar_header(b"pax", 2**33, b"g"),
        tar_member(b"pax", b"", b"x") * 20,
        tar_member(b"x", b"20 size=99999999999\n"[:19] + b"\n", b"x") + tar_header(b"a", 0),
        tar_member(b"x", b"9999999 path=x\n", b"x"),
        tar_member(b"x", b"0 path=x\n", b"x"),
        tar_member(b"x", b"10 path x\n", b"x"),
        tar_member(b"x", b"12 size=-12\n", b"x") + tar_header(b"a", 0),
        tar_header(b"a.txt", 0, at_124=b"\xff" * 12),
        tar_header(b"a.txt", 0, at_124=b"-00000000001"),
        tar_header(b"a.txt", 0, at_124=b"no number!!!"),
        tar_header(b"a.txt", 2**70),
    ],
    ids=lambda start: repr(start[:20]),
)
def test_tar_headers_that_lie(tmp_path: Path, context: SourceContext, start: bytes) -> None:
    data = gzip.compress(start + bytes(2**24))
    tracemalloc.start()
    _failures, ended = outcome(data, context, tmp_path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert ended.startswith("corrupt_archive")
    assert peak < 16 * 2**20


def test_sparse_members_are_left_with_a_reason(tmp_path: Path, context: SourceContext) -> None:
    """Some KB that claim to be a file of 8 EiB, mostly holes; the extended map is passed over."""
    gnu = tar_header(
        b"a.png", 4, b"S", magic=b"ustar  \0", at_482=b"\1", at_483=b"\x80" + (2**62).to_bytes(11, "big")
    )
    pax = tar_member(b"x", b"22 GNU.sparse.major=1\n", b"x") + tar_member(b"b.png", b"data")
    more = bytes(504) + b"\1" + bytes(7) + bytes(512)
    failures, ended = outcome(
        gnu + more + b"data" + bytes(508) + pax + tar_member(b"c.png", PNG) + TAR_END, context, tmp_path
    )
    assert not ended
    assert ["sparse" in failure for failure in failures] == [True, True, False]


def test_names_never_become_paths(
    tmp_path: Path, context: SourceContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [
        "../../evil.png",
        "/etc/evil.png",
        "a/../../evil.png",
        "C:\\evil.png",
        "a\\..\\evil.png",
        "x" * 60_000 + ".png",
    ]
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    for data in (zipped((name, PNG) for name in names), tarred((name, PNG) for name in names)):
        path = write(tmp_path / "x.tar", data)
        found = 0
        for item in Archive(str(path)).offer(context):
            assert isinstance(item, Offered)
            assert item.read is not None
            assert item.read() == PNG
            assert item.target == str(path)
            assert item.location.startswith(f"{path}!/")
            assert len(item.location) < 5000
            found += 1
        assert found == len(names)
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["inside", "x.tar"]


def test_a_frame_that_asks_for_gigabytes_of_memory(tmp_path: Path, context: SourceContext) -> None:
    window = zstandard.ZstdCompressionParameters.from_level(3, window_log=30)
    stream = io.BytesIO()
    with zstandard.ZstdCompressor(compression_params=window).stream_writer(stream, closefd=False) as writer:
        writer.write(tarred([("a.png", PNG)]))
    assert "window of more than 134,217,728 bytes" in outcome(stream.getvalue(), context, tmp_path)[1]
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 2**29}]
    packed = lzma.compress(tarred([("a.png", PNG)]), filters=filters)
    assert "window of more than 134,217,728 bytes" in outcome(packed, context, tmp_path)[1]


def test_a_damaged_one_says_so(tmp_path: Path, context: SourceContext) -> None:
    for data in (b"", b"PK\3\4 and no more", b"no archive" * 100, zipped([("a.png", PNG)])[:-10]):
        with pytest.raises(CorruptArchive) as caught:
            list(Archive(str(write(tmp_path / "x.zip", data))).offer(context))
        assert caught.value.hint


def test_many_members_of_one_name(tmp_path: Path, context: SourceContext) -> None:
    """Each is called apart at once, not by counting through all before it (20,000 took 53 s so)."""
    source = Archive(str(write(tmp_path / "x.tar", tarred([("a.png", PNG)] * 3 + [("a.png#2", PNG)]))))
    names = [item.location.partition("!/")[2] for item in source.offer(context) if isinstance(item, Offered)]
    assert names == ["a.png", "a.png#2", "a.png#3", "a.png#2#2"]
    walk = Walk("x.tar", UNKNOWN, Selection(None, None), Budget(ArchiveLimits(9, 9, 9, 1, 9, 9), 1), bool)
    looked = _Counted()
    walk._locations = looked
    for _ in range(1000):
        walk._unique("x.tar!/a.png")
    assert len(looked) == 1000
    assert looked.lookups < 5000


class _Counted(dict[str, int]):
    """Counts how often it is asked whether it has something."""

    lookups = 0

    def __contains__(self, key: object) -> bool:
        self.lookups += 1
        return super().__contains__(key)
