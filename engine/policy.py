"""When a gate asks a person, and what silence means. Pure.

auto                      never ask: yes, and the ledger says that no person approved
ask                       ask, and wait for ever
ask:SECONDS=approve       ask, and take silence for yes after SECONDS
ask:SECONDS=veto          ask, and take silence for no after SECONDS
ask-if:RULE[,RULE...]     ask when any rule holds, else auto; a rule is one of
                          lines>N (lines added and removed), files>N, path=NAME, gain>X, gain<X
shadow                    the run gate only: the forecaster looks and counts, and nothing is aborted
off                       the run gate only: the forecaster does not look
"""

import re
from dataclasses import dataclass
from typing import Literal

Gate = Literal["tool", "apply", "run", "verdict", "rewrite"]
GATES: tuple[Gate, ...] = ("tool", "apply", "run", "verdict", "rewrite")

FORMS = "auto, ask, ask:SECONDS=approve, ask:SECONDS=veto, or ask-if:RULE[,RULE...] (see loopwatch run --help)"

RUN_ONLY = ("shadow", "off")
"""Policies of the run gate alone."""

_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,15})?"
_DEADLINE = re.compile(rf"ask:({_NUMBER})=(approve|veto)")
_RULE = re.compile(rf"(lines|files)>([0-9]{{1,15}})|(path)=(\S+)|(gain)([<>])(-?{_NUMBER}(?:e-?[0-9]{{1,2}})?)")


@dataclass(frozen=True, slots=True)
class Occasion:
    """What the rules of a policy may look at."""

    lines: int = 0
    paths: tuple[str, ...] = ()
    gain: float | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """One gate's policy, as `parse` read it."""

    text: str
    asks: bool
    seconds: float | None = None
    """How long to wait for a person; None waits for ever."""
    on_silence: Literal["approve", "veto"] = "veto"
    rules: tuple[str, ...] = ()

    def asks_about(self, occasion: Occasion) -> bool:
        """Whether a person is asked about this one."""
        return any(_holds(rule, occasion) for rule in self.rules) if self.rules else self.asks


def parse(text: str) -> Policy:
    """Read a policy; ValueError says which forms there are."""
    if text == "auto":
        return Policy(text, asks=False, on_silence="approve")
    if text == "ask":
        return Policy(text, asks=True)
    if text in RUN_ONLY:
        return Policy(text, asks=False)
    if deadline := _DEADLINE.fullmatch(text):
        silence: Literal["approve", "veto"] = "approve" if deadline[2] == "approve" else "veto"
        return Policy(text, asks=True, seconds=float(deadline[1]), on_silence=silence)
    if text.startswith("ask-if:"):
        rules = tuple(text.removeprefix("ask-if:").split(","))
        if all(_RULE.fullmatch(rule) for rule in rules):
            return Policy(text, asks=True, rules=rules)
    raise ValueError(f"{text!r} is no gate policy; use {FORMS}")


def parse_for(gate: Gate, text: str) -> Policy:
    """Read a gate's policy; ValueError also for one that another gate has."""
    policy = parse(text)
    if text in RUN_ONLY and gate != "run":
        raise ValueError(f"{text!r} is a policy of the run gate; for the {gate} gate use {FORMS}")
    return policy


def _holds(rule: str, occasion: Occasion) -> bool:
    match = _RULE.fullmatch(rule)
    assert match is not None, "parse() lets no other rule through"
    if match[1] == "lines":
        return occasion.lines > int(match[2])
    if match[1] == "files":
        return len(occasion.paths) > int(match[2])
    if match[3]:
        return match[4] in occasion.paths
    if occasion.gain is None:
        return False
    bound = float(match[7])
    return occasion.gain > bound if match[6] == ">" else occasion.gain < bound
