"""Every broken or odd file of the real image set ends in an image or in an error of ours, within bounds.

The files are decoded in a process of their own under limits of the kernel for memory and processor time,
because a decoder that runs away cannot be stopped from inside. What is judged is the decision on each file.
"""

from __future__ import annotations

import csv
import json
import re
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from echo_image.errors import CorruptImage
from echo_image.image import Image, decode, read_file
from tests.unit.image.encoded import mean_difference

MAX_MEMORY_BYTES = 4 * 2**30  # address space, most of which the libraries reserve and never touch
MAX_RESIDENT_BYTES = 2**30
MAX_CPU_S = 240  # takes about 10 s; what runs away takes hours

# Pillow's names of what we support, and the endings that we must refuse by their looks.
SUPPORTED = {"JPEG", "MPO", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"}
REFUSED_ENDINGS = {
    ".tga",
    ".ico",
    ".cur",
    ".psd",
    ".jp2",
    ".j2k",
    ".pdf",
    ".eps",
    ".dds",
    ".fli",
    ".sgi",
    ".pcx",
    ".ff",
    ".qoi",
    ".ppm",
    ".pgm",
    ".hdr",
    ".exr",
    ".blp",
    ".txt",
    ".wmf",
    ".emf",
    ".xpm",
    ".xbm",
    ".fits",
    ".tar",
    ".doc",
}
CODES = {"ok", "empty_file", "unsupported_format", "corrupt_image", "limit_exceeded"}

DECODE_ALL = """
import json, resource, sys
from pathlib import Path
from echo_image.errors import ImageError
from echo_image.image import decode, read_file

for path in sys.stdin.read().splitlines():
    try:
        image = decode(read_file(path))
        outcome = {"code": "ok", "width": image.width, "height": image.height, "format": image.format}
        assert image.pixels.shape == (image.height, image.width, 3)
        assert decode(read_file(path), min_side=64).pixels.size
    except ImageError as error:
        outcome = {"code": error.code, "message": error.message, "hint": error.hint}
    print(json.dumps({"path": path, **outcome}), flush=True)
print(json.dumps({"resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""


def bound_this_process() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))


@pytest.fixture(scope="module")
def nasty_dir(data_dir: Path) -> Path:
    folder = data_dir / "nasty"
    if not folder.is_dir():
        pytest.skip(f"no folder {folder}")
    return folder


@pytest.fixture(scope="module")
def notes(data_dir: Path) -> Mapping[str, str]:
    """Return what Pillow made of each file, by its path below the image set."""
    with (data_dir / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return {row["path"]: row["note"] for row in csv.DictReader(file) if row["path"].startswith("nasty/")}


@pytest.fixture(scope="module")
def outcomes(nasty_dir: Path) -> Mapping[str, dict[str, object]]:
    """Return the outcome of each file, by its path below the image set."""
    paths = sorted(path for path in nasty_dir.rglob("*") if path.is_file())
    done = subprocess.run(
        [sys.executable, "-c", DECODE_ALL],
        input="\n".join(map(str, paths)),
        capture_output=True,
        text=True,
        preexec_fn=bound_this_process,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"after {lines[-1] if lines else 'nothing'}: {done.stderr[-2000:]}"
    assert lines.pop()["resident"] <= MAX_RESIDENT_BYTES
    assert len(lines) == len(paths)
    return {str(Path(line["path"]).relative_to(nasty_dir.parent)): line for line in lines}


def test_every_file_ends_in_an_image_or_an_error_of_ours(outcomes: Mapping[str, dict[str, object]]) -> None:
    assert len(outcomes) >= 1000
    assert {outcome["code"] for outcome in outcomes.values()} == CODES


def test_every_refusal_is_a_sentence_with_advice(outcomes: Mapping[str, dict[str, object]]) -> None:
    for path, outcome in outcomes.items():
        if outcome["code"] != "ok":
            message = str(outcome["message"])
            assert message.isprintable(), path
            assert message.endswith("."), path
            assert len(message) <= 400, path
            assert outcome["hint"], path


def test_what_pillow_decodes_we_decode(
    outcomes: Mapping[str, dict[str, object]], notes: Mapping[str, str]
) -> None:
    wrong = []
    for path, note in notes.items():
        known = re.match(r"Pillow: ok (\w+) ", note)
        if known and known[1] in SUPPORTED and path in outcomes and outcomes[path]["code"] != "ok":
            wrong.append((path, outcomes[path]))
    assert wrong == []


def test_more_is_decoded_than_pillow_does(
    outcomes: Mapping[str, dict[str, object]], notes: Mapping[str, str]
) -> None:
    ours = {path for path, outcome in outcomes.items() if outcome["code"] == "ok"}
    theirs = {path for path, note in notes.items() if note.startswith("Pillow: ok")}
    gained = {Path(path).name for path in ours - theirs}
    # Channel masks, colour tables and metadata that Pillow stumbles over; all of them are legal images.
    assert {"bmp__g__rgb32bf.bmp", "bmp__q__pal2.bmp", "bmp__q__pal8os2v2-16.bmp"} <= gained
    assert {"png_decompression_dos.png", "apng__chunk_no_fctl.png"} <= gained


def test_other_formats_are_refused_by_their_looks(outcomes: Mapping[str, dict[str, object]]) -> None:
    seen = 0
    for path, outcome in outcomes.items():
        if Path(path).suffix.lower() in REFUSED_ENDINGS:
            seen += 1
            assert outcome["code"] == "unsupported_format", path
            assert "looks like a" in str(outcome["message"]), path
    assert seen >= 200


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("made/zero_bytes.jpg", "empty_file", "0 bytes"),
        ("made/text.jpg", "unsupported_format", "text file"),
        ("made/only_header.png", "corrupt_image", "header"),
        ("nasty_pillow/decompression_bomb.gif", "limit_exceeded", "pixels"),
        ("nasty_pillow/bmp__b__reallybig.bmp", "limit_exceeded", "6,000,000,000,000 pixels"),
        ("nasty_pngsuite/pngsuite__xlfn0g04.png", "unsupported_format", "transfer as text"),
        ("nasty_pngsuite/pngsuite__xc9n2c08.png", "corrupt_image", "does not exist"),
        ("nasty_pillow/libtiff_segfault.tif", "limit_exceeded", "side"),
        ("nasty_pillow/broken_data_stream.png", "corrupt_image", "damaged"),
        ("nasty_imagers/images__tiff__testsuite__rgb32f_color.tiff", "unsupported_format", "floating-point"),
    ],
)
def test_single_decisions(
    outcomes: Mapping[str, dict[str, object]], name: str, code: str, words: str
) -> None:
    outcome = outcomes[f"nasty/{name}"]
    assert outcome["code"] == code
    assert words in str(outcome["message"])


def opened(folder: Path, name: str) -> Image:
    return decode(read_file(folder / name))


def shrunk(image: Image) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(PIL.Image.fromarray(image.pixels).resize((24, 24), PIL.Image.Resampling.BOX))


def test_all_orientations_of_a_photograph_end_upright(nasty_dir: Path) -> None:
    names = sorted((nasty_dir / "nasty_exif").glob("Landscape_[1-8].jpg"))
    assert len(names) == 8
    first = decode(read_file(names[0]))
    for path in names[1:]:
        image = decode(read_file(path))
        assert (image.width, image.height) == (first.width, first.height), path.name
        # The same photograph with another number drawn in its middle, saved again.
        assert mean_difference(shrunk(image), shrunk(first)) < 6, path.name


@pytest.mark.parametrize(
    ("name", "expected", "levels"),
    [
        ("hopper.webp", "hopper.jpg", 5),
        ("avif__hopper.avif", "hopper.jpg", 5),
        ("hopper.bmp", "hopper.jpg", 3),
        ("hopper_rle8.bmp", "hopper.jpg", 15),  # 256 colours
        ("hopper.gif", "hopper.jpg", 15),
        ("hopper.tif", "hopper.jpg", 3),
        ("hopper_lzw.tif", "hopper.jpg", 3),
        ("hopper_bigtiff.tif", "hopper.tif", 0),
        ("hopper.iccprofile.tif", "hopper.tif", 3),
        ("pil_sample_cmyk.jpg", "pil_sample_rgb.jpg", 25),  # other inks give other colours
        ("tiff_strip_cmyk_jpeg.tif", "pil_sample_rgb.jpg", 25),
        ("bmp__g__pal8.bmp", "bmp__g__rgb24.bmp", 20),
        ("bmp__g__rgb32bf.bmp", "bmp__g__rgb24.bmp", 0),
        ("bmp__q__rgb32-111110.bmp", "bmp__g__rgb24.bmp", 1),
        ("bmp__q__pal8os2v2-16.bmp", "bmp__g__pal8.bmp", 0),
        ("bmp__g__pal8rle.bmp", "bmp__g__pal8.bmp", 0),
        ("bmp__g__pal4rle.bmp", "bmp__g__pal4.bmp", 0),
        ("g4_orientation_6.tif", "g4_orientation_1.tif", 1),
        ("hopper_orientation_8.webp", "hopper_orientation_2.webp", 3),
        ("avif__rot3mir1.avif", "avif__rot0mir0.avif", 40),
    ],
)
def test_the_same_image_in_another_coat(nasty_dir: Path, name: str, expected: str, levels: float) -> None:
    folder = nasty_dir / "nasty_pillow"
    if not (folder / name).is_file() or not (folder / expected).is_file():
        pytest.skip(f"{name} or {expected} is not in this set")
    assert mean_difference(opened(folder, name).pixels, opened(folder, expected).pixels) <= levels


def test_sixteen_bits_equal_eight(nasty_dir: Path) -> None:
    folder = nasty_dir / "nasty_pngsuite"
    # The same ramp in 16 and in 8 bits: clipped instead of scaled it would be white.
    wide = opened(folder, "pngsuite__basn0g16.png").gray
    assert 60 < wide.mean() < 200
    assert len(np.unique(wide)) > 30


def test_every_file_cut_in_half_is_refused_or_decoded(nasty_dir: Path) -> None:
    refused = 0
    for path in sorted((nasty_dir / "nasty_pngsuite").glob("pngsuite__b*.png")):
        data = read_file(path)
        with pytest.raises(CorruptImage):
            decode(data[: len(data) // 2])
        refused += 1
    assert refused > 20
