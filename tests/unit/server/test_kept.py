"""What is kept, for how long, and what is left of it after a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from echo_image.errors import LimitExceeded, NotFound, StorageFull
from echo_image.server.keeping.kept import KeptQueries, Origin
from echo_image.server.keeping.state import StateFolder, write_whole
from echo_image.settings import KeepingSettings


class Clock:
    """Time that the test moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def kept_queries(path: Path, clock: Clock, settings: KeepingSettings | None = None) -> KeptQueries:
    return KeptQueries(StateFolder(path), settings or KeepingSettings(), clock=clock)


def keep(queries: KeptQueries, data: bytes = b"picture") -> str:
    return queries.keep(Origin("a.jpg", data), width=3, height=2).id


def test_each_use_renews_a_query(tmp_path: Path, clock: Clock) -> None:
    queries = kept_queries(tmp_path, clock, KeepingSettings(kept_query_s=100))
    used, unused = keep(queries), keep(queries)
    clock.now += 60
    assert queries.origin(used).data == b"picture"
    clock.now += 60
    assert queries.get(used).id == used
    with pytest.raises(NotFound):
        queries.get(unused)


def test_bytes_are_bounded(tmp_path: Path, clock: Clock) -> None:
    queries = kept_queries(tmp_path, clock, KeepingSettings(max_kept_bytes=10))
    first = keep(queries, bytes(6))
    second = keep(queries, bytes(6))
    with pytest.raises(NotFound):
        queries.get(first)
    assert queries.origin(second).data == bytes(6)
    with pytest.raises(LimitExceeded, match="max_kept_bytes is 10"):
        keep(queries, bytes(11))
    assert queries.get(second).id == second
    files = [path for path in (tmp_path / "queries").iterdir() if path.suffix != ".json"]
    assert sum(path.stat().st_size for path in files) == 6


def test_a_killed_service_leaves_whole_queries(tmp_path: Path, clock: Clock) -> None:
    state = StateFolder(tmp_path)
    whole = keep(KeptQueries(state, KeepingSettings(), clock=clock))
    state.close()  # as the system does for a process that is killed
    folder = tmp_path / "queries"
    (folder / f".{'1' * 32}.json.new").write_bytes(b"{")  # killed while it wrote a description
    (folder / ("2" * 32)).write_bytes(b"a picture without a description")
    (folder / f"{'3' * 32}.json").write_bytes(b"[1, 2]")
    queries = kept_queries(tmp_path, clock)
    assert queries.origin(whole).data == b"picture"
    assert {path.name for path in folder.iterdir()} == {whole, f"{whole}.json"}
    assert queries.get(whole).name == "a.jpg"


def test_ids_are_long_and_never_alike(tmp_path: Path, clock: Clock) -> None:
    queries = kept_queries(tmp_path, clock)
    ids = {keep(queries) for _ in range(50)}
    assert len(ids) == 50
    assert all(len(bytes.fromhex(kept)) == 16 for kept in ids)


def test_a_temporary_folder_ends_with_the_service(clock: Clock) -> None:
    state = StateFolder(None)
    keep(KeptQueries(state, KeepingSettings(), clock=clock))
    folder = state.folder("queries").parent
    assert folder.stat().st_mode & 0o777 == 0o700
    state.close()
    assert not folder.exists()


def test_a_picture_that_cannot_be_described_is_not_left_behind(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(path: Path, data: bytes) -> None:
        if path.suffix == ".json":
            raise StorageFull("full")
        write_whole(path, data)

    queries = kept_queries(tmp_path, clock)
    monkeypatch.setattr("echo_image.server.keeping.kept.write_whole", written)
    with pytest.raises(StorageFull):
        keep(queries)
    assert list((tmp_path / "queries").iterdir()) == []
