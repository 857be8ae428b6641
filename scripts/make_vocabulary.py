"""Make `src/echo_image/index/words/vocabulary.npz` from folders of freely licensed images.

    python scripts/make_vocabulary.py --output vocabulary.npz --name v1 FOLDER…

Every image, and pages of rendered text, is extracted as a library would and as a query would, at its own
size and reduced. From each look at each image the same number of descriptors is taken, so that no image
rules. 65,536 of all are chosen at random (seeded) as words; 512 pivots are k-majority centres of these. The
bits of the signatures are chosen among the words of each pivot (`echo_image.index.words.signatures`).
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from echo_image.errors import EchoImageError
from echo_image.features import orb
from echo_image.image import decode
from echo_image.index.words import signatures, vocabulary

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff"}
PER_LOOK = 500
#: Rounds of k-majority; the assignment hardly changes after five.
ROUNDS = 6
#: Long sides at which each image is looked at: catalogue pictures, photographs, details.
LOOKS_PX = (320, 640, 1024, 2048)


def images(folders: list[Path]) -> Iterator[NDArray[np.uint8]]:
    paths = sorted(p for f in folders for p in f.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    for path in paths:
        try:
            yield decode(path.read_bytes()).gray
        except EchoImageError as error:
            print(f"left out {path.name}: {error.message}", file=sys.stderr)


def text_pages() -> Iterator[NDArray[np.uint8]]:
    """Pages of this project's licence in several sizes: print has key points that photographs have not."""
    lines = (Path(__file__).parent.parent / "LICENSE").read_text("utf-8").splitlines()
    for size in (10, 14, 20, 32):
        font = ImageFont.load_default(size)
        for start in range(0, 120, 40):
            page = Image.new("L", (1000, 1300), 255)
            text = "\n".join(lines[start : start + 40])
            ImageDraw.Draw(page).multiline_text((40, 40), text, font=font, fill=20)
            yield np.asarray(page)


def descriptors(gray: NDArray[np.uint8], rng: np.random.Generator) -> Iterator[NDArray[np.uint64]]:
    height, width = gray.shape
    for side in LOOKS_PX:
        factor = side / max(width, height)
        if factor > 1.5:
            continue
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        look = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)
        for fine in (False, True):
            found = orb.extract_both_hands(look, full_size=size, fine=fine)[0].descriptors
            if len(found) >= 50:
                yield found[rng.permutation(len(found))[:PER_LOOK]]


def hamming(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> NDArray[np.int64]:
    """(N, 4) and (M, 4) uint64 → (N, M) distances."""
    return np.asarray(np.bitwise_count(a[:, None, :] ^ b[None, :, :]).sum(axis=2, dtype=np.int64))


def majority_centres(words: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """k-majority: (512, 4) centres, each bit that of most of its words, and the centre of each word."""
    bits = np.unpackbits(words.view(np.uint8), axis=1)
    centres = words[: vocabulary.NUM_PIVOTS].copy()
    for _ in range(ROUNDS):
        home = np.concatenate([hamming(part, centres).argmin(axis=1) for part in np.array_split(words, 128)])
        for centre in np.unique(home):
            majority = bits[home == centre].mean(axis=0) >= 0.5
            centres[centre] = np.packbits(majority).view(np.uint64)
    home = np.concatenate([hamming(part, centres).argmin(axis=1) for part in np.array_split(words, 128)])
    return centres, home


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--name", required=True, help="version written into the file, such as v1")
    parser.add_argument("--seed", type=int, default=20)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    sources = itertools.chain(images(options.folders), text_pages())
    looks = [d for gray in sources for d in descriptors(gray, rng)]
    pool = np.unique(np.concatenate(looks), axis=0)
    if len(pool) < vocabulary.NUM_WORDS:
        parser.error(f"{len(pool)} descriptors found, {vocabulary.NUM_WORDS} needed: name more images")
    words = pool[rng.permutation(len(pool))[: vocabulary.NUM_WORDS]]
    pivots, home = majority_centres(words)
    by_pivot = np.argsort(home, kind="stable")
    offsets = np.concatenate([[0], np.cumsum(np.bincount(home, minlength=len(pivots)))])
    np.savez(
        options.output,
        words=words[by_pivot],
        pivots=pivots,
        offsets=offsets.astype(np.uint32),
        signature_bits=signatures.choose(words[by_pivot], offsets),
        version=np.array(options.name),
    )
    print(f"{len(looks)} looks, {len(pool)} descriptors, {options.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
