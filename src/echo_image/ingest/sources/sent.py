"""What callers sent to a service: files, and a list of URLs, in a folder of the service.

The folder is the service's, and may be gone when a job is taken up again: a service without a folder of its
own loses it when it ends. Then each file is a failure that says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from echo_image.errors import LimitExceeded, NotFound
from echo_image.ingest.sources.naming import printable
from echo_image.ingest.sources.offered import Checkpoint, Kind, Offered, SourceContext

__all__ = ["URLS_NAME", "Sent"]

#: The file in the folder that has the URLs, one JSON text a line.
URLS_NAME = "urls"
_HINT = "Send it again; with the setting state_dir, files that wait outlive a restart."


@dataclass(frozen=True, slots=True)
class Sent:
    """Files `0`, `1` … of a folder, and the URLs of its list.

    Args:
        folder: where they wait.
        label: what a person reads in a list of jobs.
        locations: what the library calls each file, in their order.
        num_urls: how many URLs the list has.
    """

    type: ClassVar[str] = "sent"

    folder: str
    label: str = field(kw_only=True)
    locations: tuple[str, ...] = field(default=(), kw_only=True)
    num_urls: int = field(default=0, kw_only=True)

    def missing(self) -> str:
        """Return an empty text: what is missing is told for each file."""
        return ""

    def offer(self, context: SourceContext) -> Iterator[Offered | Checkpoint]:
        """Yield the files, then the URLs.

        Raises:
            NotFound: The list of URLs has gone.
        """
        most = context.decode_limits.max_bytes
        for number, location in enumerate(self.locations):
            path = Path(self.folder, str(number))
            yield Offered(location, str(path), kind=Kind.STREAM, read=_reader(path, location, most))
        if not self.num_urls:
            return
        try:
            # Open for the moment of this reading only: the job may wait for hours between two items.
            lines = Path(self.folder, URLS_NAME).read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise NotFound(f"The list of {self.num_urls:,} URLs is gone.", hint=_HINT) from error
        for line in lines:
            url = str(json.loads(line))
            yield Offered(printable(url), url, kind=Kind.URL)


def _reader(path: Path, location: str, most: int) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            size = path.stat().st_size
            if size > most:
                raise LimitExceeded(f"The file has {size:,} bytes; max_image_bytes is {most:,}.")
            return path.read_bytes()
        except OSError as error:
            message = f"The file {location} waited for this job and is gone."
            raise NotFound(message, hint=_HINT) from error

    return read
