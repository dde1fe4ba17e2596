"""When a service wants to be asked again, as it says in the headers of its answer."""

import math
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

LONGEST_SECONDS = 40 * 86_400
"""Limits by the month end within it. Beyond is what servers send that do not know: 2**32 milliseconds are 49 days."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds from now; None when it does not say, or nothing that can be meant."""
    told = headers.get("retry-after", "")
    try:
        seconds = float(told)
    except ValueError:
        seconds = _until(told)
    return seconds if 0 <= seconds <= LONGEST_SECONDS else None


def _until(date: str) -> float:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, OverflowError):
        return math.nan
