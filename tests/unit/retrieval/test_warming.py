"""After warming up, a search compiles nothing any more."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.photographs import jpeg, photograph

SCRIPT = """
import sys
from numba.core.dispatcher import Dispatcher
import echo_image

echo_image.warm_up()

def compiled(self, signature):
    raise AssertionError(f"{self.py_func.__name__} is compiled for {signature}")

Dispatcher.compile = compiled
with echo_image.open_library(sys.argv[1]) as library:
    found = library.search(sys.argv[2])
    assert [match.location for match in found.matches[:1]] == ["coffee"], found
"""


def test_a_search_after_it_compiles_nothing(tmp_path: Path, collection: Path) -> None:
    query = tmp_path / "query.jpg"
    query.write_bytes(jpeg(photograph("coffee", 300)[20:190, 30:260], 80))
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(collection), str(query)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert run.returncode == 0, run.stderr
