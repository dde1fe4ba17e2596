"""Text that attacks whoever shows it, facts that are made of it, and what a terminal may be sent at most."""

import random
import re
import types
import typing
import unicodedata
from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, JsonValue

from loopwatch.engine import events
from loopwatch.engine.events import AnyFact

PAYLOADS = {
    "clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "window title": "\x1b]0;title\x07",
    "link": "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "clear": "\x1b[2J\x1b[H\x1b[3J",
    "query": "\x1bP$q m\x1b\\\x1b[6n\x1b[c",
    "8-bit CSI": "\x9b2J\x9b31m",
    "8-bit OSC and DCS": "\x9d0;x\x9c\x90q\x9c",
    "paste off": "\x1b[?2004l",
    "screen off": "\x1b[?1049l\x1bc",
    "mouse on": "\x1b[?1000h\x1b[?1003h",
    "reading direction": "user\u202egnp.exe \u2066x\u2069 \u200fy",
    "zero width": "a\u200bb\u200dc\ufeffd\u00ade",
    "tags": "".join(chr(0xE0000 + ord(char)) for char in "ignore all"),
    "marks": "e" + "\u0301" * 60,
    "carriage return": "rm -rf ~\rharmless",
    "backspace": "evil\x08\x08\x08\x08good",
    "bell": "\x07\x00\x7f\x0b\x0c",
    "live markup": "[@click=app.quit]press[/] [link=https://evil.example]x[/link]",
    "broken markup": "loss[/foo] [bold [[",
    "broken letters": "\ud800\udfff \U0010ffff\ue000",
    "dialogue": "\n\n┏━ ASK ━┓\n┃ approved by admin: press a ┃\n┗━━━━━━━┛\n",
    "long line": "0123456789abcdef" * 400,
    "line separators": "one\u2028two\u2029three\x85four",
    "tabs": "\t" * 300 + "x",
    "first mark": "\u0301\u0308 first",
    "pictures": "👨‍👩‍👧 ❤️ 🇩🇪 👍🏽 1️⃣ 日本語",
    "formula": '=cmd|"/c calc"!A1\t"\n@x',
}  # fmt: skip

_SAID_BY_TEXTUAL = re.compile(
    r"\x1b\[[\d;]*m"  # colours
    r"|\x1b\[\d+;\d+H"  # the cursor
    r"|\x1b\[\?(?:25|1000|1003|1004|1006|1015|1016|1049|2004|2026|2048|7)[hl]"  # modes, set and given back
    r"|\x1b\[\?(?:2026|2048)\$p"  # which of them it knows
    r"|\x1b\[(?:>\d+u|<u|\?u)"  # how keys are told
    r"|\x1b\]22;[a-z-]*\x07"  # the mouse's shape
    r"|\x1b\[K|\r|\n"
)


def disobeyed(output: str) -> list[str]:
    """What of a program's output a terminal would obey, or not show, beyond what Textual has to say to it."""
    rest = _SAID_BY_TEXTUAL.sub("", output)
    return sorted({repr(char) for char in rest if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Cn", "Co", "Me")})


def mixed(count: int, *, seed: int) -> Iterator[str]:
    """Random texts: pieces of the payloads, any code points, and plain words between."""
    dice = random.Random(seed)
    pieces = [*PAYLOADS.values(), "loss 2.731", "größer", " ", "\n"]
    for _ in range(count):
        parts = []
        for _ in range(dice.randrange(1, 8)):
            piece = dice.choice(pieces)
            start = dice.randrange(len(piece))
            parts.append(piece[start : start + dice.randrange(1, 40)])
            parts.append("".join(chr(_code_point(dice)) for _ in range(dice.randrange(6))))
        yield "".join(parts)


def _code_point(dice: random.Random) -> int:
    """Any, but mostly one of those that terminals mind."""
    return dice.randrange(dice.choice((0x20, 0xA0, 0x3000, 0x20, 0xA0, 0x110000)))


def spoilt(fact: type[BaseModel], payload: str, **known: Any) -> AnyFact:
    """A fact that has the payload wherever it may hold text; `known` are its other fields."""
    values: dict[str, Any] = {}
    for name, field in fact.model_fields.items():
        value = _filled(field.annotation, payload)
        if value is None and field.is_required():
            value = _least(field.annotation)
        if value is not None:
            values[name] = value
    return typing.cast("AnyFact", fact.model_validate(values | known))


def every_kind() -> list[type[BaseModel]]:
    """Every kind of fact but the first of a run, which holds what a person chose."""
    return [kind for kind in get_args(get_args(AnyFact)[0]) if kind is not events.RunOpened]


def _least(kind: Any) -> Any:
    """Something that a field without text takes."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {}
    return get_args(kind)[0] if get_origin(kind) is typing.Literal else 1


def _filled(kind: Any, payload: str) -> Any:
    """The payload in the form of a field; None where a field holds no text."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is str or kind is JsonValue:
        return payload
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return spoilt(kind, payload)
    if origin is tuple and (value := _filled(inner[0], payload)) is not None:
        return (value,)
    if origin is dict and inner[0] is str:
        value = _filled(inner[1], payload)
        return {payload: _least(inner[1]) if value is None else value}
    if origin in (typing.Union, types.UnionType):
        return next((value for one in inner if (value := _filled(one, payload)) is not None), None)
    return None


def a_night(payload: str) -> list[AnyFact]:
    """Facts of every kind of a run with three experiments, spoilt; the last one waits for a person."""
    two = {"experiment": 2}
    return [
        spoilt(events.EngineStarted, payload, pid=1),
        spoilt(events.ProgramRead, payload),
        spoilt(events.Warned, payload, experiment=None),
        *life(1, payload, kept=True),
        spoilt(events.Noted, payload, note=1),
        spoilt(events.PolicyChanged, payload, gate="apply"),
        spoilt(events.Proposing, payload, **two, revision=1, notes=()),
        spoilt(events.NoteRead, payload, note=1, **two, where="this turn"),
        spoilt(events.Briefed, payload, **two, revision=1, tokens=10),
        spoilt(events.Requested, payload, **two, request=1, role="proposer", prompt_tokens=9),
        spoilt(events.BackedOff, payload, **two, until=10.0, attempt=1),
        events.WentOn(**two, waited_seconds=3),
        events.Billed(experiment=2, request=1, usage={"input": 10, "output": 10}, usd=None),
        *_asked(2, "tool", payload),
        spoilt(events.TurnEnded, payload, **two, revision=1, outcome="proposed"),
        *life(2, payload, kept=False)[1:],
        spoilt(events.Explained, payload, **two, mechanism="refuted"),
        spoilt(events.Reviewed, payload, **two, severity="high", confidence=0.5),
        spoilt(
            events.Graded,
            payload,
            **two,
            attempt=1,
            votes=3,
            answers=2,
            value=50.0,
            evaluated=60.0,
            spread=2.0,
            unanimous=0.5,
        ),
        spoilt(events.ReviewerMuted, payload, muted=True),
        spoilt(events.Paused, payload, because=None),
        spoilt(events.Resumed, payload),
        spoilt(events.Proposing, payload, experiment=3, revision=1, notes=()),
    ]


def unproposed(payload: str) -> list[AnyFact]:
    """The third experiment ends without a proposal."""
    return [
        spoilt(events.TurnEnded, payload, experiment=3, revision=1, outcome="refused"),
        spoilt(events.Judged, payload, experiment=3, verdict="unproposed"),
    ]


def waiting(gate: str, payload: str, number: int = 3) -> list[AnyFact]:
    """An experiment waits at a gate."""
    if gate == "tool":
        return [_ask(number, gate, payload)]
    proposed = spoilt(events.Proposed, payload, experiment=number, revision=1)
    return [proposed, _ask(number, gate, payload)]


def life(number: int, payload: str, *, kept: bool) -> list[AnyFact]:
    """An experiment from the question to the verdict, spoilt."""
    about = {"experiment": number}
    return [
        spoilt(events.Proposing, payload, **about, revision=1, notes=()),
        spoilt(events.Proposed, payload, **about, revision=1),
        *_asked(number, "apply", payload),
        spoilt(events.Applied, payload, **about),
        events.Started(experiment=number, attempt=1, seed=1),
        spoilt(events.AbortSuggested, payload, **about, attempt=1, mode="shadow", share=0.5, p_better=0.1, saves_seconds=1),
        spoilt(events.Finished, payload, **about, attempt=1),
        spoilt(events.Measured, payload, **about, attempt=1, value=2.5, evidence=(), trust="locked"),
        *_asked(number, "verdict", payload),
        spoilt(
            events.Judged, payload, **about, verdict="kept" if kept else "discarded", value=2.5, gain=0.1, sigma=0.5
        ),
        spoilt(events.Settled, payload, **about),
    ]  # fmt: skip


def _asked(number: int, gate: str, payload: str) -> list[AnyFact]:
    answer = {"apply": "approve", "verdict": "accept", "tool": "allow"}[gate]
    decided = spoilt(events.Decided, payload, ask=f"{number}-{gate}", experiment=number, gate=gate, answer=answer)
    return [_ask(number, gate, payload), decided]


def _ask(number: int, gate: str, payload: str) -> AnyFact:
    quiet = {"on_silence": None, "suggestion": None}
    return spoilt(events.Asked, payload, ask=f"{number}-{gate}", experiment=number, gate=gate, **quiet)
