"""Where what was sent waits for its job: on disk, bounded over all jobs, and gone when the job is over."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Collection, Sequence
from pathlib import Path

from echo_image.errors import StorageFull
from echo_image.ingest.sources.sent import URLS_NAME, Sent
from echo_image.server.errors import Overloaded
from echo_image.server.keeping.state import StateFolder
from echo_image.server.requests.body import Upload
from echo_image.server.requests.uploads import upload_location

__all__ = ["Spool"]

_FOLDER = "jobs"
#: In each folder: the id of the job that it belongs to.
_JOB_NAME = "job"
_COPY_BYTES = 2**20


class Spool:
    """Files and lists that have not been added yet. Thread-safe; every method blocks on the disk.

    Args:
        state: Where they lie.
        max_bytes: Most bytes of them, over all jobs.
    """

    def __init__(self, state: StateFolder, *, max_bytes: int) -> None:
        self._state = state
        self._max_bytes = max_bytes
        self._sizes: dict[str, int] = {}
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()

    def recover(self, jobs: Collection[str]) -> None:
        """Keep what waits for these jobs since the service ran last, and remove the rest."""
        if not self._state.outlives:
            return
        with self._lock:
            for folder in self._state.folder(_FOLDER).iterdir():
                try:
                    job_id = (folder / _JOB_NAME).read_text(encoding="ascii")
                except (OSError, UnicodeDecodeError):  # it was killed before it had one
                    job_id = ""
                if job_id in jobs:
                    self._names[job_id] = folder.name
                    self._sizes[folder.name] = sum(file.stat().st_size for file in folder.iterdir())
                else:
                    shutil.rmtree(folder, ignore_errors=True)

    def put(
        self, name: str, uploads: Sequence[Upload], urls: Sequence[str], *, given_up: threading.Event
    ) -> Sent:
        """Copy what was sent and return it as a source.

        Args:
            name: 32 hexadecimal digits, for `bind` and `drop`.
            uploads: Files.
            urls: Web addresses.
            given_up: Set before `drop` by whoever no longer wants them: they may be on their way here still.

        Raises:
            Overloaded: Too many bytes wait already.
            StorageFull: The disk does not take them.
        """
        lines = "".join(json.dumps(url) + "\n" for url in urls)
        size = sum(upload.size for upload in uploads) + len(lines)
        with self._lock:
            waiting = sum(self._sizes.values())
            if uploads and waiting + size > self._max_bytes:
                message = f"{waiting:,} bytes wait for jobs; max_job_bytes is {self._max_bytes:,}."
                raise Overloaded(message, retry_after_s=60)
            self._sizes[name] = size
            folder = self._state.folder(_FOLDER) / name
        try:
            folder.mkdir(mode=0o700)
            if urls:
                _write(folder / URLS_NAME, lines)
            locations = tuple(_copied(upload, folder / str(i)) for i, upload in enumerate(uploads))
        except OSError as error:
            self.drop(name)
            message = f"The service cannot keep {size:,} bytes: {error.strerror or error}."
            raise StorageFull(message, hint="Make room in the folder of the setting state_dir.") from error
        except BaseException:  # such as a file that was closed because its sender has gone
            self.drop(name)
            raise
        if given_up.is_set():
            self.drop(name)
        return Sent(str(folder), label=_label(uploads, urls), locations=locations, num_urls=len(urls))

    def bind(self, name: str, job_id: str) -> None:
        """Say which job it is that waits for it."""
        with self._lock:
            self._names[job_id] = name
            _write(self._state.folder(_FOLDER) / name / _JOB_NAME, job_id)

    def drop(self, name: str) -> None:
        """Remove what was sent under a name, if it is there."""
        with self._lock:
            if name in self._sizes:
                shutil.rmtree(self._state.folder(_FOLDER) / name, ignore_errors=True)
                del self._sizes[name]

    def drop_job(self, job_id: str) -> None:
        """Remove what waits for a job, if there is anything."""
        with self._lock:
            name = self._names.pop(job_id, "")
        self.drop(name)


def _label(uploads: Sequence[Upload], urls: Sequence[str]) -> str:
    told = []
    if uploads:
        told.append(uploads[0].name if len(uploads) == 1 else f"{len(uploads):,} files")
    if urls:
        told.append(urls[0] if len(urls) == 1 else f"{len(urls):,} URLs")
    return ", ".join(told)


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _copied(upload: Upload, path: Path) -> str:
    """Copy a file and return its location in the library."""
    digest = hashlib.sha256()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        upload.file.seek(0)
        while chunk := upload.file.read(_COPY_BYTES):
            digest.update(chunk)
            file.write(chunk)
    return upload_location(upload.name, digest.hexdigest())
