"""What to do about items that failed, by the code of their error.

One sentence a code, for the report and for the end of a command. Where an answer's HTTP status says more than
the code, it decides.
"""

from __future__ import annotations

__all__ = ["advice", "cause_name", "is_worth_a_retry"]

_RETRY = "Retry the job later."
_SLOWER = "The host asks for fewer calls: retry later, with a longer delay and fewer connections."

_BY_STATUS = {
    401: "The host wants to know who asks; offer an address that needs no key, or files from a folder.",
    403: "The host refuses; ask its owner, or take the images from a folder or an archive.",
    404: "Nothing is there any more: correct the addresses in the list, or leave them out.",
    407: "A proxy wants a password; set the proxy's address with its user in the environment.",
    408: _RETRY,
    410: "Its owner has taken it away for good: leave it out of the list.",
    425: _SLOWER,
    429: _SLOWER,
    451: "The host may not show it for legal reasons.",
}

_BY_CODE = {
    "bad_image": "Open the file in an image editor and save it again, or leave it out.",
    "bad_query": "Correct what was named: it is no path and no address that can be read.",
    "bad_row": "Correct that row of the list.",
    "corrupt_archive": "The archive is damaged or cut short: get it again from where it came from.",
    "corrupt_image": "The file is damaged or cut short: get it again from where it came from.",
    "empty_file": "The file has no bytes: get it again from where it came from.",
    "fetch_failed": "See whether the address opens in a browser, then retry the job.",
    "fetch_timeout": "The host was too slow: retry later, or allow more time (ECHO_IMAGE_FETCH_TIMEOUT_S).",
    "fetch_too_large": "Raise ECHO_IMAGE_MAX_FETCH_BYTES if such files are to be taken.",
    "forbidden_address": "A private address: set ECHO_IMAGE_ALLOW_PRIVATE_ADDRESSES=1 if it is your own.",
    "forbidden_path": "A list from elsewhere may not name files of this machine: save the list here first.",
    "internal_error": "A fault of Echo-Image: report it with the file, if you may.",
    "limit_exceeded": "The reason names the limit; raise it if such files are to be taken.",
    "memory_limit": "Reading it needs more memory than a worker may have: make it smaller, or leave it out.",
    "missing_extra": "Install the extra that the reason names.",
    "no_image": "It is no image; nothing to do.",
    "not_a_file": "A folder or a device where a file is wanted: name the files in it.",
    "not_found": "It is not there, or not any more: correct the path, or leave it out.",
    "no_source": "It was uploaded: nothing to do.",
    "not_followed": "Name that sitemap itself as a source.",
    "quarantined": "It broke its reader before, so it is left alone; retrying the job reads it once more.",
    "repeated": "Decoration of the pages (small, and on many of them): lower min_side to take it.",
    "robots": "The site's robots.txt asks robots to stay away: ask its owner.",
    "timeout": "Reading the file took too long: make it smaller, or leave it out.",
    "too_small": "Smaller than asked for: lower min_side to take it.",
    "unreadable": "The system does not let this user read it: change its permissions, then retry the job.",
    "unsupported_format": "Convert it to JPEG, PNG, WebP, GIF, TIFF or BMP.",
    "usage": "It was asked for in a way that cannot be done: correct what the reason names and add it anew.",
    "vanished": "Its source offered it before and does not any more.",
    "worker_crashed": "The file makes its decoder crash: get it again, or leave it out, and report it.",
}
_OTHERWISE = "The reason says what was wrong; correct it, then retry the job."

#: What may well go another way the next time, with nothing changed here.
_TRANSIENT_CODES = frozenset({"fetch_failed", "fetch_timeout"})
_PERMANENT_STATUSES = frozenset({400, 401, 403, 404, 405, 406, 407, 410, 414, 451})

_NAMES = {
    "no_image": "no image",
    "repeated": "decoration of a site",
    "robots": "excluded by robots.txt",
    "too_small": "too small",
}


def advice(code: str, http_status: int = 0) -> str:
    """Return one sentence that says what to do about items that failed or were skipped so.

    >>> advice("fetch_failed", 410)
    'Its owner has taken it away for good: leave it out of the list.'
    """
    if http_status in _BY_STATUS:
        return _BY_STATUS[http_status]
    if http_status >= 500:
        return "The host has a fault of its own: retry the job later."
    return _BY_CODE.get(code, _OTHERWISE)


def is_worth_a_retry(code: str, http_status: int = 0) -> bool:
    """Whether the same item may well go another way the next time, with nothing changed here."""
    return code in _TRANSIENT_CODES and http_status not in _PERMANENT_STATUSES


def cause_name(code: str, http_status: int = 0) -> str:
    """Return a cause in a few words.

    >>> cause_name("fetch_failed", 404), cause_name("corrupt_image")
    ('fetch failed (HTTP 404)', 'corrupt image')
    """
    name = _NAMES.get(code) or code.replace("_", " ") or "no reason given"
    return f"{name} (HTTP {http_status})" if http_status else name
