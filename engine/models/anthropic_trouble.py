"""What it means when the Anthropic SDK, or the transport beneath it, raises: which trouble it is, in words for people."""

import re
from typing import TYPE_CHECKING

from ..credentials import doubt, redact
from . import Trouble
from .retry_after import retry_after

if TYPE_CHECKING:
    from anthropic import APIConnectionError, APIStatusError
    from httpx2 import TransportError

WORDS = 300
"""How many characters of a server's own words are repeated."""

STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""The status that an error within a stream would have had: its response began with 200."""

_TOO_LONG = re.compile(r"prompt is too long|exceed(s|ed)? (the )?context (limit|window)", re.IGNORECASE)
_SPENT = re.compile(r"spend_limit_reached|credit balance is too low", re.IGNORECASE)


def complaint(error: "APIStatusError", name: str) -> Trouble:
    """The service answered with an error, at once or within its stream."""
    status = error.status_code if error.status_code >= 400 else STATUS.get(error.type or "", 500)
    words = short(error.api_message or error.message)
    said = f"{words} ({error.type or status})"
    after = retry_after(error.response.headers)
    if status == 402 or _SPENT.search(f"{error.error_code} {words}"):
        if after is not None:
            return Trouble("limit", f"the account's limit of spending is reached: {said}", after=after)
        return Trouble("spent", f"the account has no money left to spend: {said}")
    if status == 413 or (status == 400 and _TOO_LONG.search(words)):
        return Trouble("too_long", f"the prompt is too long for {name}: {said}")
    if status in (401, 403):
        return Trouble("bad_key", f"the service does not take the key: {said}; {doubt('anthropic')}")
    if status == 404:
        return Trouble("wrong", f"the service has no model {name}: {said}")
    if status == 429:
        return Trouble("limit", f"{name} is limited for now: {said}", after=after)
    if status in (408, 409) or status >= 500:
        return Trouble("unavailable", f"the service of {name} has trouble: {said}", after=after)
    return Trouble("wrong", f"{name} will not have this request: {said}")


def unconnected(error: "APIConnectionError", url: str) -> Trouble:
    """There was no answer at all."""
    import httpx2

    match error.__cause__:
        case httpx2.UnsupportedProtocol() | httpx2.LocalProtocolError() as cause:
            return Trouble("wrong", f"{url} cannot be asked: {short(str(cause))}")
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.ProxyError() as cause:
            return Trouble("unavailable", f"{url} cannot be reached: {short(_named(cause))}")
        case cause:
            return Trouble("unavailable", f"{url} gave no answer: {short(_named(cause or error))}", unanswered=True)


def broken(error: "TransportError", name: str, *, silence: float) -> Trouble:
    """The connection broke while the answer streamed."""
    import httpx2

    if isinstance(error, httpx2.ReadTimeout):
        return Trouble("unavailable", f"{name} fell silent in the middle of its answer, for {silence:g} s")
    return Trouble("unavailable", f"the connection broke in the middle of {name}'s answer: {short(_named(error))}")


def short(text: str) -> str:
    """A server's words on one line, without any key."""
    line = redact(" ".join(text.split()))
    return line if len(line) <= WORDS else f"{line[:WORDS]}…"


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
