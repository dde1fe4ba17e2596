"""Ask an engine for something and print its answer: pause, stop, approve, note and their like."""

import sys
import time
from argparse import Namespace
from contextlib import closing
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from loopwatch.engine import client
from loopwatch.engine.client import Run, Viewer
from loopwatch.engine.commands import Abort, AnyCommand, Explain, Hold, Mute, Note, Pause, Reply, SetPolicy, Stop, Trust
from loopwatch.engine.errors import ConfigError
from loopwatch.engine.events import Answer
from loopwatch.engine.policy import GATES, Gate, parse

from . import words
from .exits import Exit
from .headless import say, talk

ANSWER_SECONDS: Final = 10.0
TICK_SECONDS: Final = 0.02

REPLIES: Final[dict[str, tuple[Gate, Answer]]] = {
    "allow": ("tool", "allow"),
    "deny": ("tool", "deny"),
    "approve": ("apply", "approve"),
    "veto": ("apply", "veto"),
    "send-back": ("apply", "send_back"),
    "amend": ("apply", "amend"),
    "let-run": ("run", "let_run"),
    "accept": ("verdict", "accept"),
    "keep": ("verdict", "keep"),
    "discard": ("verdict", "discard"),
    "one-more": ("verdict", "one_more"),
}
"""Subcommand → the gate it speaks at, and what it says. What is said to an agent's tool is said to its new version, too."""


def pause(args: Namespace) -> int:
    """`loopwatch pause [RUN]`."""
    return ask(client.find(args.run), Pause())


def hold(args: Namespace) -> int:
    """`loopwatch hold [RUN]`."""
    return ask(client.find(args.run), Hold())


def stop(args: Namespace) -> int:
    """`loopwatch stop [RUN] [--now]`."""
    return ask(client.find(args.run), Stop(now=args.now))


def abort(args: Namespace) -> int:
    """`loopwatch abort [RUN]`."""
    return ask(client.find(args.run), Abort(reason=args.reason))


def reply(args: Namespace) -> int:
    """`loopwatch approve [RUN]` and the other answers at a gate."""
    gate, answer = REPLIES[args.command]
    diff = _diff(args.diff) if answer == "amend" else ""
    run = client.find(args.run)
    asked = _waiting(run, gate, args.digest)
    if not asked and gate == "tool" and (rewrite := _waiting(run, "rewrite", args.digest)):
        gate, asked = "rewrite", rewrite
    return ask(run, Reply(**asked, gate=gate, answer=answer, reason=args.reason, diff=diff))


def _waiting(run: Run, gate: Gate, digest: str) -> dict[str, str]:
    """Name and hash of what waits at a gate now, so that the answer counts for nothing else; {} where the engine has to say why not."""
    with closing(Viewer(run, name="command line")) as viewer:
        viewer.poll()
        waiting = viewer.state.waiting
    if waiting is None or waiting.asked.gate != gate:
        return {}
    if not waiting.asked.digest.startswith(digest.lower()):
        number = waiting.asked.experiment
        raise ConfigError(
            f"#{number} has the hash {waiting.asked.digest[:12]} now, not {digest!r}; look again: loopwatch show {run.name} {number}"
        )
    return {"ask": waiting.asked.ask, "digest": waiting.asked.digest}


def mute(args: Namespace) -> int:
    """`loopwatch mute [RUN] [--off]`."""
    return ask(client.find(args.run), Mute(muted=not args.off))


def trust(args: Namespace) -> int:
    """`loopwatch trust [RUN]`."""
    return ask(client.find(args.run), Trust())


def note(args: Namespace) -> int:
    """`loopwatch note [RUN] TEXT`."""
    run, text = _run_and(args.words, "TEXT", 'put the note in quotes: loopwatch note "try a larger LR"')
    if not text.strip():
        raise ConfigError("the note is empty; write one with: loopwatch note TEXT")
    return ask(run, Note(text=text))


def mechanism(args: Namespace) -> int:
    """`loopwatch mechanism [RUN] N confirmed|refuted|open`."""
    *run, number, held = args.words if len(args.words) in (2, 3) else ("", "", "")
    try:
        command = Explain.model_validate(
            {"experiment": number.removeprefix("#"), "mechanism": held, "theory": args.theory}
        )
    except ValidationError:
        raise ConfigError(
            f"expected [RUN] N confirmed|refuted|open, got {' '.join(args.words)!r}; for example: loopwatch mechanism 3 refuted"
        ) from None
    return ask(client.find(run[0] if run else None), command)


def policy(args: Namespace) -> int:
    """`loopwatch policy [RUN] GATE=POLICY`."""
    run, text = _run_and(args.words, "GATE=POLICY", "say it in one word: loopwatch policy apply=auto")
    gate, _, wanted = text.partition("=")
    try:
        parse(wanted)
        command = SetPolicy.model_validate({"gate": gate, "policy": wanted})
    except ValidationError:
        raise ConfigError(f"no gate {gate!r}; there are: {', '.join(GATES)}") from None
    except ValueError as error:
        raise ConfigError(f"{text!r}: {error}") from None
    return ask(run, command)


def ask(run: Run, command: AnyCommand) -> int:
    """Put a command into a run's inbox, wait for the engine's answer, and print it.

    Without an engine a note stays for the next one to read; anything else is withdrawn, so that nothing happens later that
    nobody expects any more.
    """
    viewer = Viewer(run, name="command line")
    try:
        alive = run.is_alive
        row = viewer.ask(command)
        if not alive and isinstance(command, Note):
            say(
                f"{run.name}: command {row}: the note is kept; no engine runs, and the next one reads it: loopwatch resume {run.name}"
            )
            return Exit.OK
        if alive and _answered(viewer, row):
            return _print(run, viewer, row)
        if not viewer.take_back(row):
            return _print(run, viewer, row)
        if run.is_alive:
            talk(
                f"{run.name}: the engine did not answer within {ANSWER_SECONDS:g} s, and was not asked; see {run.engine_log}"
            )
        else:
            talk(f"{run.name}: no engine runs, so nothing was asked; start one with: loopwatch resume {run.name}")
        return Exit.USER_ERROR
    finally:
        viewer.close()


def _answered(viewer: Viewer, row: int) -> bool:
    deadline = time.monotonic() + ANSWER_SECONDS
    while not viewer.answer(row).answered:
        if time.monotonic() > deadline or not viewer.run.is_alive:
            return False
        time.sleep(TICK_SECONDS)
    return True


def _print(run: Run, viewer: Viewer, row: int) -> int:
    inbox = viewer.answer(row)
    answer = f"{run.name}: command {row}: {words.one_line(inbox.answer)}"
    if inbox.ok:
        say(answer)
        return Exit.OK
    talk(answer)
    return Exit.USER_ERROR


def _run_and(given: list[str], what: str, hint: str) -> tuple[Run, str]:
    if len(given) > 2:
        raise ConfigError(f"expected [RUN] {what}, got {len(given)} words; {hint}")
    return client.find(given[0] if len(given) == 2 else None), given[-1]


def _diff(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the diff {name} cannot be read: {error}") from None
