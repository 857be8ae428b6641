"""A library beside a plain dictionary: whatever is done to the files, both say the same."""

from __future__ import annotations

import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from echo_image import open_library
from tests.libraries import LONG_AGO_NS, contents, drawn, png, small_segments, write

NAMES = ("a.png", "b.png", "c.png", "sub/d.png", "sub/deep/e.png", "f")
#: Contents: drawn images, and what is none.
SEEDS = (0, 1, 2, 3, 4)
NO_IMAGE = -1

names = st.sampled_from(NAMES)
seeds = st.sampled_from((*SEEDS, NO_IMAGE))


@cache
def data_of(seed: int) -> bytes:
    return b"no image at all" if seed == NO_IMAGE else png(drawn(seed, (64, 48)))


class LibraryAndDictionary(RuleBasedStateMachine):
    """`disk` is what the files hold, `known` what the library should."""

    @initialize()
    def make(self) -> None:
        self.patch = pytest.MonkeyPatch()
        small_segments(self.patch, images=2, segments=2)
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name) / "images"
        self.root.mkdir()
        self.library = open_library(Path(self.folder.name) / "library")
        self.disk: dict[str, int] = {}
        self.known: dict[str, int] = {}
        self.clock = LONG_AGO_NS

    def tick(self) -> int:
        self.clock += 1
        return self.clock

    @rule(name=names, seed=seeds)
    def write_file(self, name: str, seed: int) -> None:
        write(self.root / name, data_of(seed), mtime_ns=self.tick())
        self.disk[name] = seed

    @rule(name=names)
    def delete_file(self, name: str) -> None:
        if self.disk.pop(name, None) is not None:
            (self.root / name).unlink()

    @rule(name=names)
    def touch_file(self, name: str) -> None:
        if name in self.disk:
            os.utime(self.root / name, ns=(self.tick(), self.clock))

    @rule(first=names, second=names)
    def exchange_files(self, first: str, second: str) -> None:
        if first in self.disk and second in self.disk:
            seeds = self.disk[first], self.disk[second]
            self.write_file(first, seeds[1])
            self.write_file(second, seeds[0])

    @rule(named=st.none() | names)
    def add(self, named: str | None) -> None:
        if named is not None and named not in self.disk:
            return
        report = self.library.add(self.root if named is None else self.root / named, workers=1)
        expected = dict.fromkeys(("added", "updated", "unchanged", "skipped", "failed"), 0)
        for name in self.disk if named is None else [named]:
            seed = self.disk[name]
            if seed == NO_IMAGE:
                # A file of a folder without an image's suffix does not pretend to be one.
                expected["skipped" if name == "f" and named is None else "failed"] += 1
            else:
                before = self.known.get(name)
                expected["added" if before is None else "unchanged" if before == seed else "updated"] += 1
                self.known[name] = seed
        assert {name: getattr(report, name) for name in expected} == expected
        assert len(report.failures) == report.failed
        assert report.offered == (len(self.disk) if named is None else 1)

    @rule(name=names)
    def upload(self, name: str) -> None:
        report = self.library.add_image(data_of(SEEDS[0]), str(self.root / name))
        before = self.known.get(name)
        assert (report.added, report.unchanged) == (int(before is None), int(before == SEEDS[0]))
        assert report.offered == 1
        self.known[name] = SEEDS[0]
        # The library took the bytes from elsewhere: the file of that name counts as changed.

    @rule(name=names)
    def remove(self, name: str) -> None:
        report = self.library.remove(self.root / name)
        seed = self.known.pop(name, None)
        assert report.removed == int(seed is not None)
        assert report.images_removed == int(seed is not None and seed not in self.known.values())
        assert report.missing == (() if seed is not None else (str(self.root / name),))

    @rule()
    def open_again(self) -> None:
        self.library.close()
        self.library = open_library(self.library.path, create=False)

    @invariant()
    def the_library_holds_what_the_dictionary_holds(self) -> None:
        if not hasattr(self, "library"):
            return
        places: dict[str, list[str]] = {}
        for name, seed in self.known.items():
            image_id = hashlib.sha256(data_of(seed)).hexdigest()
            places.setdefault(image_id, []).append(str(self.root / name))
        rows = {row["id"]: row["locations"] for row in self.library.export()}
        assert rows == {image_id: sorted(found) for image_id, found in places.items()}
        info = self.library.info()
        assert (info.images, info.locations) == (len(rows), len(self.known))

    def teardown(self) -> None:
        if not hasattr(self, "library"):
            return
        assert self.library.check().ok
        for seed in SEEDS:
            matches = self.library.search(data_of(seed)).matches
            identical = [match.locations for match in matches if match.verdict == "identical"]
            there = sorted(str(self.root / name) for name, known in self.known.items() if known == seed)
            assert identical == ([tuple(there)] if there else [])
        with open_library(Path(self.folder.name) / "rebuilt") as rebuilt:
            for name, seed in self.known.items():
                rebuilt.add_image(data_of(seed), str(self.root / name))
            assert contents(rebuilt) == contents(self.library)
        self.library.close()
        self.folder.cleanup()
        self.patch.undo()


TestLibraryAndDictionary = LibraryAndDictionary.TestCase
TestLibraryAndDictionary.settings = settings(max_examples=50, stateful_step_count=30)
