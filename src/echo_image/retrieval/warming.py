"""Compiling ahead what a search needs, for a service that should answer its first visitor at once."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from echo_image.image import from_array
from echo_image.index import hashes, layouts
from echo_image.index.segment import Segment
from echo_image.index.words import postings, vocabulary
from echo_image.index.words.effort import EFFORTS
from echo_image.index.words.postings import MAX_SPARSE_IMAGES, Postings
from echo_image.index.words.search import prepare as prepare_words
from echo_image.index.words.search import search as search_words
from echo_image.retrieval.query import prepare, stored_reference
from echo_image.store.extraction import extract
from echo_image.store.snapshot import parse
from echo_image.verify.judge import NAMELESS, judge


def warm_up() -> None:
    """Load and compile everything that the first search would wait for.

    Cost: ten seconds once after an installation or an update, as what was compiled is kept on disk; then
    half a second for each process.
    """
    coarse = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)
    pixels = np.asarray(cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_CUBIC), np.uint8)
    image = from_array(pixels)
    query = prepare(image)
    part = image.crop(20, 20, 240, 180)
    extracted = extract(part)
    known = parse(extracted.features)
    other = stored_reference(known, extracted.thumbnail, width=part.width, height=part.height, quality=100)
    judge(query.subject, query.features, other, NAMELESS)
    words = vocabulary.load()
    local = query.features.local
    narrow = postings.build([known.local], words)
    looked_up = prepare_words(
        query.features.extended, image.width, image.height, words, EFFORTS[-1], num_stored=len(local)
    )
    for kind in (narrow, _wide(narrow), _dense()):
        segment = Segment(
            keys=np.zeros(1, np.int64),
            codes=np.ascontiguousarray(query.subject.codes[:1].T),
            layouts=query.subject.layout[None],
            quality=np.zeros(1, np.uint8),
            num_features=np.array([len(local)], np.uint16),
            postings=kind,
        )
        search_words([segment], looked_up)
    hashes.search(segment.codes, query.subject.codes, 1)
    layouts.search(segment.layouts, query.subject.layout, 1)


def _wide(narrow: Postings) -> Postings:
    return postings.read_only(replace(narrow, images=narrow.images.astype(np.uint32)))


def _dense() -> Postings:
    """Without any posting; of its offsets only those pages take memory that are looked at."""
    return postings.read_only(postings.empty(MAX_SPARSE_IMAGES + 1, 0))
