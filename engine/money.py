"""What tokens cost. Pure: prices are data, and what is not known is None, never 0."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MILLION = 1_000_000

CHARACTERS_PER_TOKEN = 3
"""Of what a model wrote before it was cut, where nobody says how much that was: a guess on the dear side."""

_DATE_OR_TAG = re.compile(r"[-:@](?!\d{1,2}(?![0-9A-Za-z]))")
"""What may follow a model's name in a longer one: a date or a tag. A number of one or two digits makes another model."""


def dollars(usd: float | None) -> str:
    """Money in words; unknown where there is no price."""
    if usd is None:
        return "unknown cost"
    return f"${usd:.4f}" if 0 < usd < 0.01 else f"${usd:.2f}"


class Usage(BaseModel):
    """The tokens of one request, each counted once."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    input: int = 0
    """Read anew: neither from a cache nor into one."""
    output: int = 0
    """Written, thinking included."""
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    """Of `output`, what was thinking; 0 also where the server does not say."""

    @property
    def prompt(self) -> int:
        """All tokens that were sent."""
        return self.input + self.cache_read + self.cache_write_5m + self.cache_write_1h

    @property
    def total(self) -> int:
        """All tokens, sent and written."""
        return self.prompt + self.output


class Price(BaseModel):
    """US dollars for a million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cache_write_5m: float | None = Field(default=None, ge=0)
    """The price of `input` when absent; so for the next two."""
    cache_write_1h: float | None = Field(default=None, ge=0)
    cache_read: float | None = Field(default=None, ge=0)

    def of(self, usage: Usage) -> float:
        """The dollars of a request."""
        rates = (self.input, self.output, *(self.input if rate is None else rate for rate in self._cache))
        tokens = (usage.input, usage.output, usage.cache_write_5m, usage.cache_write_1h, usage.cache_read)
        return sum(rate * count for rate, count in zip(rates, tokens, strict=True)) / MILLION

    def worst(self, prompt: int, output: int) -> float:
        """The most that a request can cost: all of its prompt at the dearest rate, and every token it may write."""
        dearest = max(self.input, *(rate for rate in self._cache if rate is not None), 0)
        return (dearest * prompt + self.output * output) / MILLION

    @property
    def _cache(self) -> tuple[float | None, float | None, float | None]:
        return self.cache_write_5m, self.cache_write_1h, self.cache_read


class ModelPrice(Price):
    """The price of one model, and what it costs from a certain length of prompt on."""

    above: int | None = Field(default=None, ge=1)
    """Prompts of more tokens than this cost `long`."""
    long: Price | None = None

    def of(self, usage: Usage) -> float:
        """The dollars of a request, by the length of its prompt."""
        if self.long is not None and self.above is not None and usage.prompt > self.above:
            return self.long.of(usage)
        return super().of(usage)

    def worst(self, prompt: int, output: int) -> float:
        """See `Price`; a prompt that may be long can also turn out shorter."""
        short = super().worst(prompt, output)
        if self.long is None or self.above is None or prompt <= self.above:
            return short
        return max(short, self.long.worst(prompt, output))

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.above is None) != (self.long is None):
            raise ValueError("`above` and `long` go together: from how many tokens on, and what they cost then")
        return self


class Prices(BaseModel):
    """What each model costs, by the beginning of its name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = ""
    """Where the numbers are from."""
    read_on: str = ""
    """The day they were read, YYYY-MM-DD."""
    models: Mapping[str, ModelPrice]

    def of(self, model: str) -> ModelPrice | None:
        """The price of a model: that of the longest name that its own begins with; None when there is none.

        What follows may be a date or a tag, as in claude-opus-5-20260601; claude-opus-5-6 is another model.
        """
        known = [name for name in self.models if model.startswith(name) and _same(model, len(name))]
        return self.models[max(known, key=len)] if known else None

    def usd(self, model: str, usage: Usage) -> float | None:
        """The dollars of a request; None for a model without a price."""
        price = self.of(model)
        return None if price is None else price.of(usage)

    def worst(self, model: str, *, prompt: int, output: int) -> float | None:
        """The most that a request can cost; None for a model without a price."""
        price = self.of(model)
        return None if price is None else price.worst(prompt, output)

    def with_overrides(self, other: Self) -> Self:
        """These prices, with those of `other` in their place where it has any."""
        return self.model_copy(update={"models": {**self.models, **other.models}})


def _same(model: str, length: int) -> bool:
    return len(model) == length or _DATE_OR_TAG.match(model, length) is not None


@dataclass(slots=True)
class Spent:
    """What requests cost so far."""

    usd: float = 0
    """Of the requests whose price is known."""
    requests: int = 0
    unpriced: int = 0
    """Requests of models without a price: `usd` is less than what was spent when there are any."""
    estimated: int = 0
    """Requests that were cut, so that part of their tokens is an estimate."""
    prompt_tokens: int = 0
    output_tokens: int = 0

    def add(self, usage: Usage, usd: float | None, *, estimated: bool, sign: int = 1) -> None:
        """Count a request; with `sign` -1, take it back."""
        self.requests += sign
        self.usd += sign * (usd or 0.0)
        self.unpriced += sign * (usd is None)
        self.estimated += sign * estimated
        self.prompt_tokens += sign * usage.prompt
        self.output_tokens += sign * usage.output
