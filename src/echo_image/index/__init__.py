"""Indexes: what proposes candidates. Each is a cache of the catalogue and can be rebuilt from it.

`segment` is the file; `hashes` proposes by perceptual hash, `words` by visual words. An index knows keys
and vectors, never pictures.
"""

from __future__ import annotations

from echo_image.features import fingerprint as feature_fingerprint
from echo_image.index.words import vocabulary


def fingerprint() -> str:
    """Return the name of what stands in an index: the features and the vocabulary."""
    return f"{feature_fingerprint()}+words-{vocabulary.load().version}"
