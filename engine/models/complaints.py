"""What it means when an OpenAI-compatible server complains: which trouble it is, in words for people.

Servers agree on little but the status: the type, the code and the sentence are each one's own, and only hints.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..credentials import doubt, redact, where
from . import Trouble
from .retry_after import retry_after

WORDS = 300
"""How many characters of a server's own words are repeated."""

TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|maximum context length|context (size|window|length)|too many tokens|prompt is too long",
    re.IGNORECASE,
)
NO_MONEY = re.compile(
    r"insufficient_quota|insufficient[ _](credits|balance|funds)|exceeded your current quota", re.IGNORECASE
)
NO_TOOLS = re.compile(r"\btools?\b|tool_choice|tool use|function[ _]call", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Complaint:
    """A server's complaint."""

    status: int
    """The HTTP status; of one inside a stream the one that it names, or 500."""
    code: str
    """The server's own names for it."""
    words: str

    @property
    def all(self) -> str:
        """Everything that it says."""
        return f"{self.code} {self.words}"

    def is_about(self, field: str) -> bool:
        """Whether the server will not have a field of the request."""
        if self.status not in (400, 404, 422, 500, 501) or TOO_LONG.search(self.all):
            return False
        match field:
            case "tools":
                return bool(NO_TOOLS.search(self.words))
            case "max_tokens":
                return "max_completion_tokens" in self.words
            case _:
                return field in self.words

    def trouble(self, *, model: str, url: str, has_key: bool, headers: Mapping[str, str]) -> Trouble:
        """The trouble that it is."""
        said = f": {self.words}" if self.words else f" (HTTP {self.status})"
        if TOO_LONG.search(self.all) or self.status == 413:
            return Trouble("too_long", f"{model} at {url} finds the prompt too long{said}")
        if self.status == 402 or NO_MONEY.search(self.all):
            return Trouble("spent", f"the account at {url} has no money left{said}")
        if self.status in (401, 403):
            mend = doubt("openai") if has_key else f"there is no key: {where('openai')}"
            return Trouble("bad_key", f"{url} does not let us in{said}; {mend}")
        if self.status == 404:
            return Trouble("wrong", f"{url} does not have {model}{said}; {_mend(model, self.words)}")
        if self.status == 429:
            return Trouble("limit", f"{url} has had enough requests for now{said}", after=retry_after(headers))
        if self.status in (408, 409, 425) or (self.status >= 500 and self.status != 501):
            return Trouble("unavailable", f"{url} has trouble{said}", after=retry_after(headers))
        return Trouble("wrong", f"{url} will not answer this request{said}")


def complaint(status: int, body: str) -> Complaint:
    """The complaint in the body of an HTTP answer."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return Complaint(status, "", _short(re.sub(r"<[^>]*>", " ", body)))
    return told_in(told, status=status) or Complaint(status, "", _short(body))


def told_in(told: Any, *, status: int = 500) -> Complaint | None:
    """The complaint in a piece of JSON; None when it has none."""
    error = told.get("error") if isinstance(told, dict) else None
    if not error and isinstance(told, dict) and (told.get("object") == "error" or "detail" in told):
        error = {**told, "message": told.get("message") or told.get("detail")}
    if not error:
        return None
    if not isinstance(error, dict):
        return Complaint(status, "", _short(error))
    names = [str(error[name]) for name in ("code", "type", "status") if error.get(name)]
    named = next((int(name) for name in names if re.fullmatch(r"[45]\d\d", name)), status)
    code = " ".join(names)
    return Complaint(status if status != 500 else named, _short(code), _short(error.get("message") or code))


def _mend(model: str, words: str) -> str:
    if "pull" in words:
        return f"get it with: ollama pull {model}"
    if not re.search(r"model|exist|access", words, re.IGNORECASE):
        return "does the address end as it should? Most end in /v1"
    return "GET /models there lists what it has"


def _short(text: object) -> str:
    line = redact(" ".join((text if isinstance(text, str) else json.dumps(text)).split()))
    return line if len(line) <= WORDS else line[:WORDS] + "…"
