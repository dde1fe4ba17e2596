"""Start, resume and attach: from a command line to a run that somebody follows, on the screen or as lines."""

import gc
import sys
import time
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from loopwatch.engine import client, task
from loopwatch.engine.client import Run, Viewer
from loopwatch.engine.commands import Resume, SetCaps
from loopwatch.engine.config import AgentSettings, Caps, Gates, RunConfig, StopConditions
from loopwatch.engine.errors import ConfigError, RunNotFound
from loopwatch.engine.policy import FORMS, GATES, parse_for
from loopwatch.engine.state import State

from . import certainty, doing, headless, words
from .ask import ask
from .exits import Exit
from .facts import dump, run_json

ENDING_SECONDS = 10.0


def bare(args: Namespace) -> int:
    """`loopwatch` alone: go on with the newest run if it is unfinished, else start the default task."""
    try:
        newest = client.find()
    except RunNotFound:
        return run(args)
    if is_finished(newest):
        return run(args)
    if args.program:
        headless.talk(
            f"{newest.name} is not finished, so --program is for the next run; end this one with: loopwatch stop"
        )
    if newest.is_alive:
        headless.talk(f"attaching to {newest.name}, which is not finished")
        return follow(newest, args)
    headless.talk(f"{newest.name} was cut off; going on with it")
    return follow(newest, args, after=facts_so_far(newest), start=lambda: client.start(newest))


def run(args: Namespace) -> int:
    """`loopwatch run TASK`."""
    found = task.load(args.task)
    settings = read_settings(args, found, on_screen=on_screen(args))
    made = client.create(found.name, lambda name: checked(RunConfig, run=name, **settings))
    if args.detach:
        return _detach(made, args)
    return follow(made, args, start=lambda: client.start(made))


def attach(args: Namespace) -> int:
    """`loopwatch attach [RUN]`."""
    found = client.find(args.run)
    if on_screen(args):
        return watch(found)
    seen = 0 if args.json else facts_so_far(found)
    if not args.json:
        headless.say(_summary(found))
    return headless.follow(found, after=seen, as_json=args.json, owner=False)


def resume(args: Namespace) -> int:
    """`loopwatch resume [RUN]`: end a pause, a hold or a wait, or start a stopped or killed run again."""
    found = client.find(args.run)
    caps = _caps(args)
    changed = {name: value for name in ("experiments", "hours") if (value := getattr(args, name)) is not None}
    if caps.any:
        client.check(found.config.model_copy(update={"caps": caps}))
    if found.is_alive and not _ends(found):
        return _go_on(found, changed, caps, args)
    if caps.any:
        _leave(found, SetCaps(caps=caps))
    if changed:
        stop = checked(StopConditions, **{**found.config.stop.model_dump(), **changed})
        client.reconfigure(found, found.config.model_copy(update={"stop": stop}))
    return follow(found, args, after=facts_so_far(found), start=lambda: client.start(found))


def _go_on(found: Run, changed: dict[str, object], caps: Caps, args: Namespace) -> int:
    if changed:
        raise ConfigError(
            f"{found.name} is at work, and new stop conditions count from its next start; stop it first: loopwatch stop"
        )
    state = read_state(found)
    answered = ask(found, SetCaps(caps=caps)) if caps.any else Exit.OK
    if answered == Exit.OK and (not caps.any or state.paused_by or state.held_by):
        answered = ask(found, Resume())
    if answered != Exit.OK or not (args.headless or args.json):
        return answered
    return headless.follow(found, after=facts_so_far(found), as_json=args.json)


def _leave(found: Run, command: SetCaps) -> None:
    """Ask for something that the engine does first of all when it starts."""
    viewer = Viewer(found, name="command line")
    try:
        viewer.ask(command)
    finally:
        viewer.close()


def follow(found: Run, args: Namespace, *, after: int = 0, start: Callable[[], None] | None = None) -> int:
    """On the screen where there is one, else as lines; `start` starts the engine before."""
    if not on_screen(args):
        return headless.follow(found, after=after, as_json=args.json, start=start)
    if start:
        start()
    state = read_state(found)
    if state.stopped and state.stopped.because == "user_error":
        headless.talk(words.one_line(state.stopped.detail))
        return Exit.USER_ERROR
    return watch(found)


def watch(found: Run) -> int:
    """The screen; afterwards one line that says how things stand and how to come back."""
    gc.disable()  # until the first picture, see app.py
    from .app import watch as watch_on_screen

    code: int = watch_on_screen(found)
    headless.say(_summary(found))
    headless.talk(f"come back with: loopwatch attach {found.name}")
    return code


def on_screen(args: Namespace) -> bool:
    """Whether there is a terminal on both sides, and nobody asked for lines."""
    return not (args.headless or args.json) and all(
        stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout)
    )


def read_state(found: Run) -> State:
    """A run as it is now; an empty state when no engine ever worked on it."""
    if not (found.folder / "run.db").exists():
        return State()
    viewer = Viewer(found, name="command line")
    try:
        viewer.poll()
        return viewer.state
    finally:
        viewer.close()


def facts_so_far(found: Run) -> int:
    """The place of a run's last fact."""
    return read_state(found).seq


def is_finished(found: Run) -> bool:
    """Whether an engine ended the run, and said why."""
    return read_state(found).stopped is not None


def _ends(found: Run) -> bool:
    """Whether a living engine has written its last fact; waits until it has let go of the run."""
    if not is_finished(found):
        return False
    deadline = time.monotonic() + ENDING_SECONDS
    while found.is_alive and time.monotonic() < deadline:
        time.sleep(headless.TICK_SECONDS)
    return True


def read_settings(args: Namespace, found: task.Task, *, on_screen: bool) -> dict[str, Any]:
    """The settings of a new run, its paths absolute; ConfigError names the option to correct."""
    policy = "ask" if on_screen else "auto"
    stop = {name: getattr(args, name) for name in ("experiments", "hours", "target", "failures", "no_gain")}
    gates = dict.fromkeys(GATES, policy) | dict(map(gate_policy, args.gate))
    agent = {
        "mode": args.agent_mode,
        "reads": [_there(path) for path in args.agent_reads],
        **{name: getattr(args, name) for name in ("effort", "edits", "fallback", "base_url")},
    }
    settings: dict[str, Any] = {
        # The folder rather than a shipped task's name: the engine works elsewhere, and the folder says it all.
        "task": str(found.folder),
        "program": _program(args.program),
        "proposer": _proposer(args.proposer),
        "agent": checked(AgentSettings, **{name: value for name, value in agent.items() if value is not None}),
        "caps": _caps(args),
        "strategy": args.strategy,
        "reviewer": args.reviewer,
        "judge": args.judge,
        "seed": args.seed,
        "gates": checked(Gates, **gates),
        "stop": checked(StopConditions, **{name: value for name, value in stop.items() if value is not None}),
        "keep": args.keep,
        "noise_repeats": args.noise_repeats,
        "margin_sigma": args.margin_sigma,
        "sandbox": args.sandbox,
        "forecaster": args.forecaster,
        "by": client.me(),
    }
    given = {name: value for name, value in settings.items() if value is not None}
    client.check(checked(RunConfig, run="a-new-run", **given))  # before there is a folder of it
    return given


def gate_policy(text: str) -> tuple[str, str]:
    """GATE=POLICY in two."""
    gate, _, policy = text.partition("=")
    if gate not in GATES or not policy:
        raise ConfigError(f"{text!r} is not GATE=POLICY; gates are {', '.join(GATES)}, policies {FORMS}")
    try:
        return gate, parse_for(next(name for name in GATES if name == gate), policy).text
    except ValueError as error:
        raise ConfigError(f"--gate {text}: {error}") from None


def _caps(args: Namespace) -> Caps:
    caps: Caps = checked(Caps, proposal_usd=args.usd_proposal, run_usd=args.usd, day_usd=args.usd_day)
    return caps


def _program(name: str | None) -> Path | None:
    if name is None:
        return None
    path = Path(name).expanduser().absolute()
    try:
        path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the programme {path} cannot be read: {error}") from None
    return path


def _there(name: str) -> str:
    path = Path(name).expanduser().absolute()
    if not path.exists():
        raise ConfigError(f"--agent-reads {name}: there is no {path}")
    return str(path)


def _proposer(spec: str | None) -> str | None:
    if spec is None:
        return None
    name, _, argument = spec.partition(":")
    return f"{name}:{Path(argument).expanduser().absolute()}" if name == "scripted" and argument else spec


_OPTIONS = {"run_usd": "usd", "day_usd": "usd-day", "proposal_usd": "usd-proposal", "mode": "agent-mode"}
"""The options that are not called what their setting is."""


def checked(model: type[Any], **values: Any) -> Any:
    """A model of settings; ConfigError names the option to correct."""
    try:
        return model(**values)
    except ValidationError as error:
        problem = error.errors()[0]
        name = "-".join(str(part) for part in problem["loc"])
        name = _OPTIONS.get(name, name).replace("_", "-")
        message = problem["msg"].removeprefix("Value error, ").replace("Input should", "it should")
        raise ConfigError(f"--{name} {problem['input']}: {message}") from None


def _detach(made: Run, args: Namespace) -> int:
    client.start(made)
    state = read_state(made)
    if state.stopped and state.stopped.because == "user_error":
        headless.talk(words.one_line(state.stopped.detail))
        return Exit.USER_ERROR
    headless.say(dump(run_json(made.name, state, alive=made.is_alive)) if args.json else made.name)
    headless.talk(f"it works in the background; watch it with: loopwatch attach {made.name}")
    return Exit.OK


def _summary(found: Run) -> str:
    state = read_state(found)
    does = doing.now(state, alive=found.is_alive)
    return f"{found.name}: {certainty.counts(state)}; best {certainty.best(state)}; {does}"
