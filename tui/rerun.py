"""`loopwatch rerun` and `loopwatch ablate`: train again what was proposed, outside of the run, and compare."""

from argparse import Namespace
from contextlib import closing
from typing import Any, Final

from loopwatch.engine import client
from loopwatch.engine.client import Run
from loopwatch.engine.errors import ConfigError

from . import words
from .exits import Exit
from .facts import dump
from .headless import say, talk

COLUMNS: Final = ("CHANGE", "OWN GAIN", "LOST WITHOUT IT", "")


def rerun(args: Namespace) -> int:
    """`loopwatch rerun [RUN] N [--seed S]`."""
    run, number = _named(args.words)
    typed = [str(number)]
    for option in ("seed", "revision"):
        if getattr(args, option) is not None:
            typed.append(f"--{option}={getattr(args, option)}")
    found = _followed(run, "rerun", *typed)
    if args.json:
        say(dump({"run": run.name, **found}, indent=1))
    else:
        say(sentence(found))
    return Exit.OK if found["agrees"] else Exit.DISAGREES


def ablate(args: Namespace) -> int:
    """`loopwatch ablate [RUN] [--seeds K]`."""
    run = client.find(args.run)
    if args.seeds < 1:
        raise ConfigError(f"--seeds {args.seeds}: at least one")
    found = _followed(run, "ablate", f"--seeds={args.seeds}")
    if args.json:
        say(dump({"run": run.name, **found}, indent=1))
    else:
        for line in table(found["changes"]):
            say(line)
    return Exit.OK


def sentence(found: dict[str, Any]) -> str:
    """What came of a rerun, beside what was recorded."""
    what = f"#{found['experiment']}, seed {found['seed']}"
    value, recorded = found["value"], found["recorded"]
    if value is None:
        again = f"{what}: no number ({words.one_line(found['problem'])})"
        if recorded is not None:
            return f"{again}; recorded was {words.number(recorded)}"
        return f"{again}, {'as was recorded' if found['agrees'] else 'where none was recorded either'}"
    told = f"{what}: {found['metric']} {words.number(value)}"
    if recorded is None:
        verdict = found["verdict"].replace("_", " ") or "not judged yet"
        return f"{told}; there is no number to compare it with: it was {verdict}"
    return f"{told}; recorded {words.number(recorded)}: {_distance(found)}"


def table(changes: list[dict[str, Any]]) -> list[str]:
    """One line for each kept change."""
    rows = [COLUMNS, *(_cells(change) for change in changes)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)), row[3]]).rstrip()
        for row in rows
    ]


def _cells(change: dict[str, Any]) -> tuple[str, str, str, str]:
    lost, error = change["lost"], change["error"]
    told = "–" if lost is None else f"{lost:+.4g}" + (f" ± {error:.2g}" if error is not None else "")
    gain = "–" if change["gain"] is None else f"{change['gain']:+.4g}"
    hypothesis = words.one_line(change["hypothesis"])
    name = f"#{change['experiment']} {hypothesis if len(hypothesis) <= 40 else hypothesis[:39] + '…'}"
    return name, gain, told, words.one_line(change["problem"])


def _distance(found: dict[str, Any]) -> str:
    difference, sigmas = found["difference"], found["sigmas"]
    if difference == 0:
        return "exactly the same"
    how = f"{'better' if difference > 0 else 'worse'} by {words.number(abs(difference))}"
    if sigmas is None:
        return f"{how}, and the noise is not known"
    return f"{how}, {abs(sigmas):.1f} σ: {'within' if found['agrees'] else 'beyond'} the noise"


def _named(typed: list[str]) -> tuple[Run, int]:
    *run, number = typed
    if len(run) > 1 or not number.removeprefix("#").isdecimal():
        raise ConfigError(f"{' '.join(typed)}: name an experiment by its number, after the run's name if need be")
    return client.find(run[0] if run else None), int(number.removeprefix("#"))


def _followed(run: Run, *typed: str) -> dict[str, Any]:
    """Talk about what happens, and return the last that is told."""
    if run.is_alive:
        talk(f"an engine works on {run.name} now; each slows the other down")
    trainings, last = 1, {}
    with closing(client.retrial(run, *typed)) as lines:
        for line in lines:
            last = line
            match line["kind"]:
                case "plan":
                    trainings, each = line["trainings"], words.duration(line["seconds_each"])
                    talk(f"{trainings} trainings of about {each} each; Ctrl+C ends it, and the run does not change")
                case "training":
                    talk(f"training {line['training']} of {trainings}: {line['what']}, seed {line['seed']}")
                case "progress":
                    talk(f"  {line['share']:.0%} after {words.duration(line['seconds'])}")
                case "trained" if line["value"] is not None:
                    talk(f"  {words.number(line['value'])}")
                case "trained":
                    talk(f"  no number: {words.one_line(line['problem'])}")
                case _:
                    pass
    return last
