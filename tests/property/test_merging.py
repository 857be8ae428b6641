"""Whatever segments are merged, the file is byte for byte what is written of the same images at once."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from echo_image import index
from echo_image.catalogue import SegmentRecord
from echo_image.index import segment
from echo_image.index.segment import Segment
from echo_image.index.words import postings, vocabulary
from echo_image.store import merging
from tests.unit.index.words.made import stored_features


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def made(seed: int, counts: list[int], first_key: int, words: int) -> tuple[Segment, list[Any]]:
    """A segment of images with so many features each, and those."""
    rng = np.random.default_rng(seed)
    features = [stored_features(rng, count, words=words, kinds=5) for count in counts]
    size = len(counts)
    own = Segment(
        keys=np.arange(first_key, first_key + 2 * size, 2, dtype=np.int64),  # every other key is missing
        codes=rng.integers(0, 2**64, (4, size), np.uint64),
        layouts=rng.integers(0, 256, (size, 48)).astype(np.uint8),
        quality=rng.integers(0, 101, size).astype(np.uint8),
        num_features=np.array(counts, np.uint16),
        postings=postings.build(features, vocabulary.load()),
    )
    return own, features


def at_once(parts: list[Segment], features: list[Any], removed: list[int]) -> Segment:
    """The segment of what is not removed, built of its features in memory."""
    live = ~np.isin(np.concatenate([part.keys for part in parts]), removed)
    columns = {
        name: np.concatenate([part.arrays()[name] for part in parts], axis=-1 if name == "codes" else 0)
        for name in ("keys", "codes", "layouts", "quality", "num_features")
    }
    left = [own for own, is_live in zip(features, live.tolist(), strict=True) if is_live]
    kept: dict[str, Any] = {
        name: column[:, live] if name == "codes" else column[live] for name, column in columns.items()
    }
    return Segment(postings=postings.build(left, vocabulary.load()), **kept)


@pytest.mark.parametrize("in_memory", [False, True])
@settings(deadline=None)
@given(data=st.data())
def test_the_file_is_what_is_written_at_once(folder: Path, in_memory: bool, data: st.DataObject) -> None:
    counts = st.lists(st.integers(0, 30), max_size=9)
    all_counts = data.draw(st.lists(counts, min_size=1, max_size=4))
    words = data.draw(st.sampled_from([1, 3, 2**16]))
    parts, features, records, key = [], [], [], 1
    for number, own_counts in enumerate(all_counts):
        part, own = made(number, own_counts, key, words)
        last = key + max(2 * len(own_counts), 1) - 1
        records.append(SegmentRecord(f"part-{number}", key, last, len(part)))
        segment.write(folder / f"part-{number}.segment", part, index.fingerprint())
        parts.append(part)
        features += own
        key = last + 1
    removed = sorted(data.draw(st.sets(st.integers(0, key + 2))))
    store: Any = SimpleNamespace(path=folder, segment_path=lambda name: folder / f"{name}.segment")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(postings, "_IN_MEMORY", 2**40 if in_memory else -1)
        patch.setattr(postings, "_STEP_POSTINGS", data.draw(st.integers(1, 40)))
        patch.setattr(postings, "_STEP_WORDS", data.draw(st.sampled_from([1500, 2**16])))
        patch.setattr(merging, "_COPIED", data.draw(st.integers(1, 9)))
        patch.setattr(segment, "_PIECE_BYTES", data.draw(st.sampled_from([8, 64, 2**20])) * 64)
        merged = merging.merge(store, tuple(records), tuple(removed), threading.Event())
    expected = at_once(parts, features, removed)
    assert merged.dropped == tuple(number for number in removed if 1 <= number < key)
    if merged.new is None:
        assert len(expected) == 0
        return
    assert merged.new.num_images == len(expected)
    segment.write(folder / "expected.segment", expected, index.fingerprint())
    path = folder / f"{merged.new.name}.segment"
    assert path.read_bytes() == (folder / "expected.segment").read_bytes()
    path.unlink()
