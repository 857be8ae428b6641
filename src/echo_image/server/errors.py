"""Errors of the service itself, and the one body in which every error leaves it.

```
EchoImageError
└── ServiceError
    ├── InvalidRequest        invalid_request     422   a parameter is missing or not allowed
    ├── InvalidJson           invalid_json        400
    ├── UnsupportedBody       unsupported_body    415   neither a form nor JSON
    ├── BodyTimeout           body_timeout        408
    ├── Overloaded            overloaded          503   with Retry-After
    ├── TooManyRequests       too_many_requests   429   one client has too many calls open; with Retry-After
    ├── DeadlineExceeded      deadline_exceeded   504   waiting and work took longer than deadline_s
    ├── Unauthorized          unauthorized        401   no key, or one that is not known
    ├── ForbiddenScope        forbidden_scope     403   the key may read and not write
    ├── ForbiddenOrigin       forbidden_origin    403   another site's page sent it
    ├── OriginalsNotServed    originals_not_served 403  the setting serve_originals is off
    └── ForbiddenHost         forbidden_host      421   addressed by a name that is not ours
```

The body is `{"error": {"code", "message", "hint", "request_id"}}`, whether the error is ours, FastAPI's or
unexpected. Of an unexpected one only the request id leaves the process; the rest is in the log beside it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match, Mount
from starlette.types import Scope

from echo_image.errors import EchoImageError, LimitExceeded

__all__ = [
    "BodyTimeout",
    "DeadlineExceeded",
    "ForbiddenHost",
    "ForbiddenOrigin",
    "ForbiddenScope",
    "InvalidJson",
    "InvalidRequest",
    "OriginalsNotServed",
    "Overloaded",
    "ServiceError",
    "TooManyRequests",
    "Unauthorized",
    "UnsupportedBody",
    "answer",
    "install",
    "of_code",
    "unexpected",
]

_log = logging.getLogger(__name__)


class ServiceError(EchoImageError):
    """An error of the service; `retry_after_s` says after how many seconds to try again, if that helps."""

    code = "service_error"

    def __init__(self, message: str, *, hint: str = "", retry_after_s: int | None = None) -> None:
        again = "" if retry_after_s is None else f"Try again in {retry_after_s} s."
        super().__init__(message, hint=hint or again)
        self.retry_after_s = retry_after_s


class InvalidRequest(ServiceError):
    code = "invalid_request"
    http_status = 422

    @classmethod
    def of(
        cls, error: ValidationError | RequestValidationError, *, known: tuple[str, ...] = ()
    ) -> InvalidRequest:
        """Return the first complaint of pydantic in our words; `known` are the names there are."""
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "path"})
        hint = f"The parameters are: {', '.join(known)}." if known else "See /docs for the parameters."
        if first["type"] == "extra_forbidden":
            return cls(f"{name} is not a parameter of this call.", hint=hint)
        given = repr(first.get("input"))
        shown = given if len(given) <= 80 else given[:77] + "..."
        reason = first["msg"][:1].lower() + first["msg"][1:]
        return cls(f"{name or 'The request'} is {shown}: {reason}.", hint=hint)


class InvalidJson(ServiceError):
    code = "invalid_json"
    http_status = 400


class UnsupportedBody(ServiceError):
    code = "unsupported_body"
    http_status = 415


class BodyTimeout(ServiceError):
    code = "body_timeout"
    http_status = 408


class Overloaded(ServiceError):
    code = "overloaded"
    http_status = 503


class TooManyRequests(ServiceError):
    code = "too_many_requests"
    http_status = 429


class DeadlineExceeded(ServiceError):
    code = "deadline_exceeded"
    http_status = 504


class Unauthorized(ServiceError):
    code = "unauthorized"
    http_status = 401


class ForbiddenScope(ServiceError):
    code = "forbidden_scope"
    http_status = 403


class ForbiddenOrigin(ServiceError):
    code = "forbidden_origin"
    http_status = 403


class ForbiddenHost(ServiceError):
    code = "forbidden_host"
    http_status = 421


class OriginalsNotServed(ServiceError):
    code = "originals_not_served"
    http_status = 403


# What Starlette says by number only; the rest of its answers keep their own words.
_BY_STATUS = {
    404: ("not_found", "There is nothing at {path}.", "See /docs for what there is."),
    405: ("method_not_allowed", "{method} is not allowed at {path}.", "The Allow header has what is."),
}

_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def answer(error: EchoImageError, scope: Scope, *, extra: Mapping[str, object] | None = None) -> JSONResponse:
    """Return the response for an error of ours, with `extra` beside `error` in the body."""
    headers: dict[str, str] = {}
    if isinstance(error, ServiceError) and error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, LimitExceeded | BodyTimeout):
        # The body was not read to its end, so the connection cannot carry another request.
        headers["Connection"] = "close"
    return _response(scope, error.http_status, error.to_dict(), headers, extra)


def unexpected(error: Exception, scope: Scope) -> JSONResponse:
    """Log an error that nobody foresaw with its request id; return the answer that tells nothing of it."""
    request_id = _request_id(scope)
    # The route's template and not the path: a path may have what only its caller should know.
    route = getattr(scope.get("route"), "path", "unknown")
    _log.error("request %s failed: %s %s", request_id, scope["method"], route, exc_info=error)
    told = {
        "code": "internal_error",
        "message": "The service failed on this request.",
        "hint": f"The log has the reason under request id {request_id}.",
    }
    return _response(scope, 500, told, {})


def of_code(code: str, message: str) -> EchoImageError:
    """Return the error with a code of the tree, as a row of a report has it; the root for any other code."""
    kinds: list[type[EchoImageError]] = [EchoImageError]
    for kind in kinds:
        if kind.code == code:
            return kind(message)
        kinds += kind.__subclasses__()
    return EchoImageError(message)


def install(app: FastAPI) -> None:
    """Give every error that a route or FastAPI raises our body."""

    @app.exception_handler(EchoImageError)
    async def ours(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, EchoImageError)
        if error.http_status == 500:
            _log.error("request %s failed: %s", _request_id(request.scope), error.message, exc_info=error)
        return answer(error, request.scope)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        return answer(InvalidRequest.of(error), request.scope)

    @app.exception_handler(HTTPException)
    async def starlette(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        code, message, hint = _BY_STATUS.get(error.status_code, ("invalid_request", str(error.detail), ""))
        shown = {"method": request.method, "path": request.url.path[:200]}
        told = {"code": code, "message": message.format_map(shown), "hint": hint}
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_methods(app, request.scope))
        return _response(request.scope, error.status_code, told, headers)


def _methods(app: FastAPI, scope: Scope) -> list[str]:
    """Return the methods that a path has, of all of its routes; Starlette names those of the first."""
    # What a mount has taken off the path is put back: the search begins at the top.
    asked = {**scope, "root_path": scope.get("app_root_path", "")}
    found = []
    for method in _METHODS:
        matching = [
            route for route in app.routes if route.matches({**asked, "method": method})[0] is Match.FULL
        ]
        # A mount takes every method; what is mounted here is files.
        if any(not isinstance(route, Mount) or method in {"GET", "HEAD"} for route in matching):
            found.append(method)
    return found


def _request_id(scope: Scope) -> str:
    return str(scope.get("state", {}).get("request_id", ""))


def _response(
    scope: Scope,
    status: int,
    told: Mapping[str, str],
    headers: dict[str, str],
    extra: Mapping[str, object] | None = None,
) -> JSONResponse:
    body = {"error": {**told, "request_id": _request_id(scope)}, **(extra or {})}
    scope.setdefault("state", {})["error_code"] = told["code"]
    return JSONResponse(body, status, headers)
