"""Buckets and remote file systems (S3, Google and Azure storage, SFTP, FTP) through fsspec.

`folder` is the source, `reading` reads one object, `opening` says what may be opened and how, `failures`
turns what the libraries raise into errors of ours. Not among them, on purpose: local paths (a folder of this
machine is a `Folder`, and a URL given by a stranger never opens one), and http listings, which are pages to
crawl and go through the one place that checks addresses and redirects.
"""

from __future__ import annotations

from echo_image.ingest.sources.remote.folder import RemoteFolder
from echo_image.ingest.sources.remote.opening import SCHEMES, is_remote
from echo_image.ingest.sources.remote.reading import read_remote

__all__ = ["SCHEMES", "RemoteFolder", "is_remote", "read_remote"]
