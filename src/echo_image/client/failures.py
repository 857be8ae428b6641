"""What can go wrong between a client and the service.

```
EchoImageError
├── … the tree of echo_image.errors, where the service's code is in it
├── Unreachable           unreachable          no service, or no answer that makes sense
└── ServiceRefusal        service_error        any other code; it is in `code`
    ├── Unauthorized      unauthorized         401
    ├── Forbidden         forbidden_scope      403
    ├── TooManyRequests   too_many_requests    429, after the retries
    ├── Overloaded        overloaded           503, after the retries
    └── DeadlineExceeded  deadline_exceeded    504
```

Every error of an answer has the id of its request as `request_id`; the service's log has more under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from echo_image import errors
from echo_image.errors import EchoImageError

__all__ = [
    "DeadlineExceeded",
    "Forbidden",
    "Overloaded",
    "ServiceRefusal",
    "TooManyRequests",
    "Unauthorized",
    "Unreachable",
    "failure",
]


class Unreachable(EchoImageError):
    code = "unreachable"
    exit_status = 3
    http_status = 502


class ServiceRefusal(EchoImageError):
    code = "service_error"
    exit_status = 3


class Unauthorized(ServiceRefusal):
    code = "unauthorized"
    http_status = 401


class Forbidden(ServiceRefusal):
    code = "forbidden_scope"
    http_status = 403


class TooManyRequests(ServiceRefusal):
    code = "too_many_requests"
    http_status = 429


class Overloaded(ServiceRefusal):
    code = "overloaded"
    http_status = 503


class DeadlineExceeded(ServiceRefusal):
    code = "deadline_exceeded"
    http_status = 504


_KINDS: dict[str, type[EchoImageError]] = {
    kind.code: kind
    for kind in (
        *(getattr(errors, name) for name in errors.__all__),
        Unauthorized,
        Forbidden,
        TooManyRequests,
        Overloaded,
        DeadlineExceeded,
    )
}


def failure(status: int, content: object, request_id: str) -> EchoImageError:
    """Return the error that an answer tells of.

    Args:
        status: HTTP status.
        content: The JSON of its body; anything.
        request_id: From the answer's head.
    """
    told: Any = content.get("error") if isinstance(content, Mapping) else None
    if not isinstance(told, Mapping) or not isinstance(told.get("code"), str):
        message = f"The answer is {status} without an error of an Echo-Image service."
        error: EchoImageError = Unreachable(message, hint="Check the address and what lies in front of it.")
    else:
        code, message, hint = told["code"], str(told.get("message", "")), str(told.get("hint", ""))
        error = _of_code(code, status, message, hint)
    error.request_id = request_id
    return error


def _of_code(code: str, status: int, message: str, hint: str) -> EchoImageError:
    kind = _KINDS.get(code)
    if kind is None:
        # A class of its own, as a code is a class's; so `except ServiceRefusal` and `error.code` both work.
        kind = type("ServiceRefusal", (ServiceRefusal,), {"code": code, "http_status": status})
    return kind(message, hint=hint)
