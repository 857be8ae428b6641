"""Adding one image that comes as bytes, not as a place to read."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from echo_image.catalogue import Catalogue, FileStamp
from echo_image.errors import LibraryError
from echo_image.image import DecodeLimits
from echo_image.ingest.reports import AddReport, Failure
from echo_image.ingest.workers.reading import Reading, extract_bytes
from echo_image.ingest.workers.worker import failure_of
from echo_image.store import Entry, Outcome, Writer, sealing


def upload(
    data: bytes,
    location: str,
    *,
    catalogue: Catalogue,
    writing: Callable[[], AbstractContextManager[Writer]],
    limits: DecodeLimits,
    attributes: dict[str, Any],
) -> AddReport:
    """Add an image; what is wrong with it becomes the failure of the report.

    Args:
        data: the image's bytes.
        location: how the library is to call it.
        catalogue: of the library, for reading.
        writing: gives the library's writer; called when the image is read: several threads may read at once.
        limits: what decoding may cost.
        attributes: kept with the image when it is new.

    Raises:
        LibraryError and its kinds: the library cannot be read or written.
    """
    start = time.monotonic()
    content_id = hashlib.sha256(data).digest()
    try:
        reading = Reading(content_id, None)
        if catalogue.key_of_content(content_id) is None:
            reading = extract_bytes(data, limits)
    except LibraryError:
        raise
    except Exception as error:  # anything that a stranger's bytes make a decoder raise
        failure = Failure(location, *failure_of(error))
        return AddReport(failed=1, failures=(failure,), seconds=time.monotonic() - start)
    with writing() as writer:
        outcome = _commit(writer, location, data, reading, attributes)
        if outcome is Outcome.RETRY:  # known when it was looked up, and removed since
            outcome = _commit(writer, location, data, extract_bytes(data, limits), attributes)
        writer.seal()
        writer.tidy(most_images=sealing.QUICK_IMAGES)
    return AddReport(
        added=int(outcome is Outcome.ADDED),
        updated=int(outcome is Outcome.UPDATED),
        unchanged=int(outcome is Outcome.UNCHANGED),
        seconds=time.monotonic() - start,
    )


def _commit(
    writer: Writer, location: str, data: bytes, reading: Reading, attributes: dict[str, Any]
) -> Outcome:
    stamp = FileStamp(len(data))
    return writer.commit([Entry(location, stamp, reading.content_id, reading.extracted, attributes)])[0]
