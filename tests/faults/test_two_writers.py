"""Two processes that want to write at once: one waits its turn or is told to; neither harms the other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from echo_image import open_library
from echo_image.errors import LibraryBusy
from tests.libraries import contents, fill, found, image_file, locations, start_python

#: A program that adds a folder and stops in the middle of it until it is told to go on.
SLOW = """
import json, sys
from echo_image import open_library
from echo_image.ingest.jobs import progress, settling

settling.BATCH_ITEMS = 2
progress.PROGRESS_S = 0
stopped = []

def stop(state):
    if state.done >= 4 and not stopped:
        stopped.append(1)
        print("in the middle", flush=True)
        sys.stdin.readline()

with open_library(sys.argv[1]) as library:
    print(json.dumps(library.add(sys.argv[2], progress=stop).to_dict()))
"""


@pytest.mark.parametrize("what", ["add", "upload", "remove", "repair"])
def test_the_second_is_told_and_the_first_unharmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr("echo_image.store.locking.WAIT_S", 0)
    images, more = fill(tmp_path / "images", 8), fill(tmp_path / "more", 3, first=20)
    first = start_python(SLOW, tmp_path / "library", images)
    assert first.stdout is not None
    assert first.stdout.readline() == "in the middle\n"
    with open_library(tmp_path / "library") as library:
        choices: dict[str, Callable[[], object]] = {
            "add": lambda: library.add(more),
            "upload": lambda: library.add_image(image_file(20), "x"),
            "remove": lambda: library.remove(str(images / "000.png")),
            "repair": lambda: library.check(repair=True),
        }
        second = choices[what]
        with pytest.raises(LibraryBusy) as caught:
            second()
        assert str(tmp_path / "library") in caught.value.message
        assert "run the same command again" in caught.value.hint
        # Reading goes on beside the first.
        assert found(library, 0) == ["000.png"]
        assert library.check().ok
        assert library.info().images >= 4
        out, errors = first.communicate("\n", timeout=120)
        assert errors == ""
        assert json.loads(out)["added"] == 8
        second()
        assert library.check().ok


def test_two_at_once_take_turns(tmp_path: Path) -> None:
    adder = """
import sys
from echo_image import open_library
from tests.libraries import Path
sys.stdin.readline()
with open_library(sys.argv[1]) as library:
    for path in sorted(Path(sys.argv[2]).iterdir()):
        assert library.add(path).added == 1
"""
    folders = [fill(tmp_path / f"images-{n}", 6, first=10 * n) for n in range(2)]
    both = [start_python(adder, tmp_path / "library", folder) for folder in folders]
    for process in both:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert [(process.communicate(timeout=120)[1], process.returncode) for process in both] == [("", 0)] * 2
    with open_library(tmp_path / "library") as library:
        assert locations(library) == sorted(path.name for folder in folders for path in folder.iterdir())
        assert library.check().ok
        assert len(contents(library)) == 12
