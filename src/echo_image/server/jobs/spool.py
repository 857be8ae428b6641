"""Where uploaded files wait for their job: on disk, bounded over all jobs, and gone when the job is over."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from echo_image.errors import StorageFull
from echo_image.server.errors import Overloaded
from echo_image.server.jobs.items import JobItem
from echo_image.server.keeping.state import StateFolder
from echo_image.server.requests.body import Upload

__all__ = ["Spool"]

_FOLDER = "jobs"
_COPY_BYTES = 2**20


class Spool:
    """The files of jobs that have not been added yet. Thread-safe; every method blocks on the disk.

    Args:
        state: Where they lie.
        max_bytes: Most bytes of them, over all jobs.
    """

    def __init__(self, state: StateFolder, *, max_bytes: int) -> None:
        self._state = state
        self._max_bytes = max_bytes
        self._sizes: dict[str, int] = {}
        self._lock = threading.Lock()
        self._swept = False

    def put(self, job_id: str, uploads: Sequence[Upload], *, given_up: threading.Event) -> list[JobItem]:
        """Copy uploaded files and return them as items of the job.

        Args:
            job_id: 32 hexadecimal digits.
            uploads: The files.
            given_up: Set before `drop` by whoever no longer wants them: they may be on their way here still.

        Raises:
            Overloaded: Too many bytes wait already.
            StorageFull: The disk does not take them.
        """
        size = sum(upload.size for upload in uploads)
        with self._lock:
            waiting = sum(self._sizes.values())
            if waiting + size > self._max_bytes:
                message = f"{waiting:,} bytes wait for jobs; max_job_bytes is {self._max_bytes:,}."
                raise Overloaded(message, retry_after_s=60)
            self._sizes[job_id] = size
            folder = self._folder() / job_id
        try:
            folder.mkdir(mode=0o700)
            items = [
                JobItem(upload.name, _copied(upload, folder / str(number)))
                for number, upload in enumerate(uploads)
            ]
        except OSError as error:
            self._remove(job_id, folder)
            message = f"The service cannot keep {size:,} bytes: {error.strerror or error}."
            raise StorageFull(message, hint="Make room in the folder of the setting state_dir.") from error
        except BaseException:  # such as a file that was closed because its sender has gone
            self._remove(job_id, folder)
            raise
        if given_up.is_set():
            self._remove(job_id, folder)
        return items

    def drop(self, job_id: str) -> None:
        """Remove the files of a job, if there are any."""
        with self._lock:
            known = job_id in self._sizes
        if known:
            self._remove(job_id, self._folder() / job_id)

    def _remove(self, job_id: str, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            self._sizes.pop(job_id, None)

    def _folder(self) -> Path:
        folder = self._state.folder(_FOLDER)
        if not self._swept:  # files of a service that was killed; their jobs ended with it
            for left in folder.iterdir():
                shutil.rmtree(left, ignore_errors=True)
            self._swept = True
        return folder


def _copied(upload: Upload, path: Path) -> Path:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        upload.file.seek(0)
        shutil.copyfileobj(upload.file, file, _COPY_BYTES)
    return path
