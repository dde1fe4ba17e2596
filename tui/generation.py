"""The generations of an agent that rewrites itself: all of them in a table, one with its diff, or one brought back."""

from argparse import Namespace
from typing import Any, Final

from rich.cells import cell_len

from loopwatch.engine import client
from loopwatch.engine.client import Run
from loopwatch.engine.commands import RestoreAgent
from loopwatch.engine.errors import ConfigError
from loopwatch.engine.lineage import Lineage, Version

from .ancestry import fitness
from .ask import ask
from .clean import cell_fit, clean, clean_lines
from .exits import Exit
from .facts import dump
from .headless import say
from .outer import status
from .starting import read_state
from .words import one_line

PREFIX: Final = "gen_"
"""How the name of a generation begins; a run is not called so."""
_REASON: Final = 70


def generation(args: Namespace) -> int:
    """`loopwatch generation [RUN] [NAME] [--restore]`."""
    run, name = _named(args.words)
    if args.restore:
        if not name:
            raise ConfigError("--restore needs a generation: loopwatch generation gen_000 --restore")
        return ask(run, RestoreAgent(agent=name))
    lineage = read_state(run).lineage
    versions = {version.name: version for version in lineage.versions.values() if version.role == "task"}
    if name and name not in versions:
        raise ConfigError(f"{run.name} has no generation {name!r}; there are: {', '.join(versions) or 'none'}")
    shown = [versions[name]] if name else list(versions.values())
    if args.json:
        say(dump([_json(version) for version in shown], indent=1))
    elif name:
        for line in _one(versions[name]):
            say(line)
    else:
        for line in table(lineage) or [
            f"{run.name}: its agents are no source code; see loopwatch run --help, --strategy"
        ]:
            say(line)
    return Exit.OK


def table(lineage: Lineage) -> list[str]:
    """All generations, oldest first; nothing where there are none."""
    versions = [version for version in lineage.versions.values() if version.role == "task"]
    if not versions:
        return []
    rows = [("", "from", "became", "gained", "its parent", "why")]
    for version in versions:
        last = version.dropped or version.adopted
        against = fitness(last.against) if last else fitness(None)
        why = one_line(version.written.reason)[:_REASON]
        rows.append(
            (
                version.name,
                version.written.parent or "–",
                status(version),
                fitness(version.fitness),
                against,
                why,
            )
        )
    widths = [max(cell_len(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell_fit(clean(cell), width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


def _one(version: Version) -> list[str]:
    last = version.dropped or version.adopted
    parent = f", made from {clean(version.written.parent)}" if version.written.parent else ""
    lines = [f"{version.name}{parent} by {clean(version.written.by)}: {status(version)}"]
    lines += [f"why: {one_line(version.written.reason)}"] if version.written.reason else []
    lines += [f"outcome: {one_line(last.reason)}"] if last and last.reason else []
    return [*lines, "", *clean_lines(version.written.diff)]


def _json(version: Version) -> dict[str, Any]:
    last = version.dropped or version.adopted
    return {
        "generation": version.name,
        "parent": version.written.parent or None,
        "by": version.written.by,
        "reason": version.written.reason,
        "became": status(version),
        "why": last.reason if last else "",
        "fitness": last.fitness.model_dump() if last and last.fitness else None,
        "against": last.against.model_dump() if last and last.against else None,
        "digest": version.written.digest,
    }


def _named(words: list[str]) -> tuple[Run, str]:
    """The run, and the generation or ""."""
    name = words[-1] if words and words[-1].startswith(PREFIX) else ""
    before = words[: len(words) - bool(name)]
    if len(before) > 1:
        raise ConfigError(f"expected [RUN] [NAME], got {len(words)} words; for example: loopwatch generation gen_002")
    return client.find(before[0] if before else None), name
