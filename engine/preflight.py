"""What would stop a run at its first request, found before there is a run: no key, no agent, a cap on what has no price."""

import os

from .books import file as price_file
from .books import known_prices
from .config import Judge, RunConfig
from .credentials import VARIABLES, key, redact, where
from .errors import ConfigError
from .proposers import proposer
from .registry import DEFAULT_MODELS

AGENTS = ("acp", "claude-code")
"""Proposers that start a program of the user's, which may not be installed."""


def check(config: RunConfig) -> None:
    """ConfigError says what has to change before the run can begin.

    An agent program brings its own key, and says itself what it costs.
    """
    text = config.model_dump_json()
    if redact(text) != text:
        raise ConfigError(
            "a key stands among the run's settings, which are written down; let whoever needs it find it elsewhere"
        )
    if config.proposer.partition(":")[0] in AGENTS:
        proposer(config.proposer, config.agent)
    prices = known_prices()
    for provider, model in _models(config):
        if not key(provider) and not _is_keyless(provider, config):
            raise ConfigError(f"{provider} needs a key: {where(provider)}")
        if config.caps.any and not model:
            raise ConfigError(f"a cap needs to know the price of the model; name it: --proposer {provider}:MODEL")
        if config.caps.any and prices.of(model) is None:
            raise ConfigError(
                f"what {model} costs is not known, so no cap can hold it; drop the cap, or write its price, in dollars for a million "
                f'tokens, into {price_file()}: {{"models": {{"{model}": {{"input": 0, "output": 0}}}}}}'
            )


def _models(config: RunConfig) -> list[tuple[str, str]]:
    """The provider and the name of each model that the run asks itself; "" for the only model of a server."""
    specs = [config.proposer, *([config.reviewer] if config.strategy.partition(":")[0] == "reviewer" else [])]
    if config.judge:
        judge = Judge.parse(config.judge)
        specs.append(f"{judge.provider}:{judge.model}")
    named = [
        (provider, model) for provider, _, model in (spec.partition(":") for spec in specs) if provider in VARIABLES
    ]
    if named and config.agent.fallback and named[0][0] == config.proposer.partition(":")[0]:
        named.append((named[0][0], config.agent.fallback))
    return [(provider, model or DEFAULT_MODELS.get(provider, "")) for provider, model in named]


def _is_keyless(provider: str, config: RunConfig) -> bool:
    """Whether it is a server of one's own, which may want no key; the proposer's address is not another provider's."""
    proposer = config.proposer.partition(":")[0]
    address = config.agent.base_url if proposer == provider or proposer not in VARIABLES else None
    return provider == "openai" and bool(address or os.environ.get("OPENAI_BASE_URL"))
