"""Everything that Echo-Image raises on purpose.

```
EchoImageError                  code                  exit  HTTP
├── UsageError                  usage                  2    400   the call itself is wrong
│   └── InvalidRegion           invalid_region         2    400
├── QueryError                  bad_query              2    400
│   ├── NotFound                not_found              2    404   a path or image id that is not there
│   └── NotAFile                not_a_file             2    400   a folder or device where a file is wanted
├── ImageError                  bad_image              2    400
│   ├── EmptyImage              empty_file             2    400
│   ├── UnsupportedFormat       unsupported_format     2    415
│   ├── CorruptImage            corrupt_image          2    400
│   └── LimitExceeded           limit_exceeded         2    413   bytes, pixels, frames: named in it
├── CorruptArchive              corrupt_archive        2    400   broken from here on, or no archive at all
├── FetchError                  fetch_failed           3    502
│   ├── ForbiddenAddress        forbidden_address      2    403   private, loopback, link-local, metadata …
│   ├── FetchTimeout            fetch_timeout          3    504
│   └── FetchTooLarge           fetch_too_large        2    413
├── LibraryError                library_error          3    500
│   ├── LibraryNotFound         library_not_found      3    503
│   ├── LibraryBusy             library_busy           3    503   another process is writing
│   ├── LibraryReadOnly         library_read_only      3    503
│   ├── StorageFull             storage_full           3    507
│   ├── LibraryCorrupt          library_corrupt        3    503
│   └── SpecMismatch            spec_mismatch          3    503   stored by another version of an extractor
└── MissingExtra                missing_extra          3    501   an optional package is not installed
```

Every error has a `code` that programs test, a `message` that says what was given and what was
expected, and a `hint` that says what to do next. The command line and the service print these three
and never a stack trace.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "CorruptArchive",
    "CorruptImage",
    "EchoImageError",
    "EmptyImage",
    "FetchError",
    "FetchTimeout",
    "FetchTooLarge",
    "ForbiddenAddress",
    "ImageError",
    "InvalidRegion",
    "LibraryBusy",
    "LibraryCorrupt",
    "LibraryError",
    "LibraryNotFound",
    "LibraryReadOnly",
    "LimitExceeded",
    "MissingExtra",
    "NotAFile",
    "NotFound",
    "QueryError",
    "SpecMismatch",
    "StorageFull",
    "UnsupportedFormat",
    "UsageError",
]


class EchoImageError(Exception):
    """Root of the tree.

    Args:
        message: What was given and what was expected, one sentence, for a person.
        hint: What to do next; empty where there is nothing to advise.

    Attributes:
        request_id: Of the request that failed, where a service told of the error; else empty.
    """

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.request_id = ""

    def to_dict(self) -> dict[str, str]:
        """Return `{"code", "message", "hint"}`, the body shared by command line and service."""
        return {"code": self.code, "message": self.message, "hint": self.hint}

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions cross from worker processes; the default pickling drops keyword arguments.
        return (_rebuild, (type(self), self.message, self.hint))


def _rebuild(kind: type[EchoImageError], message: str, hint: str) -> EchoImageError:
    return kind(message, hint=hint)


class UsageError(EchoImageError):
    code = "usage"
    exit_status = 2
    http_status = 400


class InvalidRegion(UsageError):
    code = "invalid_region"


class QueryError(EchoImageError):
    code = "bad_query"
    exit_status = 2
    http_status = 400


class NotFound(QueryError):
    code = "not_found"
    http_status = 404


class NotAFile(QueryError):
    code = "not_a_file"


class ImageError(EchoImageError):
    code = "bad_image"
    exit_status = 2
    http_status = 400


class EmptyImage(ImageError):
    code = "empty_file"


class UnsupportedFormat(ImageError):
    code = "unsupported_format"
    http_status = 415


class CorruptImage(ImageError):
    code = "corrupt_image"


class LimitExceeded(ImageError):
    code = "limit_exceeded"
    http_status = 413


class CorruptArchive(EchoImageError):
    code = "corrupt_archive"
    exit_status = 2
    http_status = 400


class FetchError(EchoImageError):
    """What is at a URL was not got.

    Args:
        message, hint: as of any error.
        status: what the server of the URL answered; 0 where it gave no answer. (`http_status` is what our own
            service answers to its caller.)
        retry_after_s: the pause that the server asked for, s; None where it asked for none.
        is_transient: whether the same URL may well be there a little later: a time limit, a broken
            connection, a server that is overloaded.
        is_unreachable: whether no answer was got at all, which says something about the host and nothing
            about the URL.
    """

    code = "fetch_failed"
    exit_status = 3
    http_status = 502

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        status: int = 0,
        retry_after_s: float | None = None,
        is_transient: bool = False,
        is_unreachable: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.retry_after_s = retry_after_s
        self.is_transient = is_transient
        self.is_unreachable = is_unreachable

    def __reduce__(self) -> tuple[object, ...]:
        more = (self.status, self.retry_after_s, self.is_transient, self.is_unreachable)
        return (_rebuild_fetch, (type(self), self.message, self.hint, *more))


def _rebuild_fetch(
    kind: type[FetchError],
    message: str,
    hint: str,
    status: int,
    retry_after_s: float | None,
    is_transient: bool,
    is_unreachable: bool,
) -> FetchError:
    return kind(
        message,
        hint=hint,
        status=status,
        retry_after_s=retry_after_s,
        is_transient=is_transient,
        is_unreachable=is_unreachable,
    )


class ForbiddenAddress(FetchError):
    code = "forbidden_address"
    exit_status = 2
    http_status = 403


class FetchTimeout(FetchError):
    code = "fetch_timeout"
    http_status = 504


class FetchTooLarge(FetchError):
    code = "fetch_too_large"
    exit_status = 2
    http_status = 413


class LibraryError(EchoImageError):
    code = "library_error"
    exit_status = 3


class LibraryNotFound(LibraryError):
    code = "library_not_found"
    http_status = 503


class LibraryBusy(LibraryError):
    code = "library_busy"
    http_status = 503


class LibraryReadOnly(LibraryError):
    code = "library_read_only"
    http_status = 503


class StorageFull(LibraryError):
    code = "storage_full"
    http_status = 507


class LibraryCorrupt(LibraryError):
    code = "library_corrupt"
    http_status = 503


class SpecMismatch(LibraryError):
    code = "spec_mismatch"
    http_status = 503


class MissingExtra(EchoImageError):
    code = "missing_extra"
    exit_status = 3
    http_status = 501
