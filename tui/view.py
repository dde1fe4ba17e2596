"""What the screen says, made from a run's state. Pure: values in, lines with roles out.

Text that came from an agent, an experiment or a person is cleaned by the widgets it goes to; here it only becomes one line.
"""

import re
import time
from collections.abc import Sequence

from loopwatch.engine.client import Look
from loopwatch.engine.events import Mechanism, Verdict
from loopwatch.engine.state import Experiment, State

from . import certainty, words
from .clean import clean
from .palette import Role
from .widgets.curve import Forecast, Level
from .widgets.spark import chances as sparkline_of
from .widgets.table import Cell, Column, Row

Parts = list[tuple[str, Role]]

VERDICT_ROLE: dict[Verdict, Role] = {
    "kept": "good",
    "discarded": "quiet",
    "aborted": "warn",
    "crashed": "bad",
    "timed_out": "bad",
    "no_metric": "bad",
    "vetoed": "warn",
    "voided": "mark",
    "interrupted": "warn",
    "unproposed": "bad",
}

STANDING_LOOK: dict[str, tuple[str, Role]] = {
    "confirmed": ("■", "good"),
    "provisional": ("□", "warn"),
    "": ("", "good"),
}
"""What is kept: told from luck, or for now."""

DOUBTED: tuple[str, Role] = ("▲ doubted", "mark")
"""It would have been kept, but is hard to believe."""

TRUST_MARK: dict[str | None, str] = {"independent": "", "locked": " L", "self-reported": " S", None: ""}
"""Behind a value that says of itself what it is worth, in part or in whole."""

MECHANISM_LOOK: dict[Mechanism, tuple[str, Role]] = {
    "confirmed": ("✓", "good"),
    "refuted": ("✗", "bad"),
    "open": ("○", "quiet"),
}

EXPERIMENT_COLUMNS = (
    Column("#", 4, "right"),
    Column("verdict", 9),
    Column("m", 1, priority=1),
    Column("value", 9, "right"),
    Column("gain", 8, "right", priority=2),
    Column("σ", 5, "right", priority=3),
    Column("idea", 6, priority=0, flexible=True),
)
"""`m` is the mechanism: whether it held, apart from the verdict."""

DETAIL_KEPT = 200_000
"""Characters of what an agent asks for; nobody reads more before saying yes."""


def experiment_rows(state: State, *, alive: bool) -> list[Row]:
    """The experiments, newest first."""
    return [_row(state, state.experiments[number], alive) for number in sorted(state.experiments, reverse=True)]


def _row(state: State, e: Experiment, alive: bool) -> Row:
    doing, role = _standing(state, e, alive)
    best = "*" if e.number == state.best else " "
    cells: tuple[Cell, ...] = (
        (f"{best}{e.number}", "good" if best == "*" else "text"),
        (doing, role),
        _mechanism_mark(e),
        _value(state, e),
        (_signed(e.gain), "quiet"),
        (f"{e.sigma:+.1f}" if e.sigma is not None else "", "quiet"),
        (words.one_line(e.hypothesis) or words.one_line(e.reason), "text"),
    )
    return Row(str(e.number), cells)


def standing_look(state: State, e: Experiment) -> tuple[str, Role]:
    """How what is kept is drawn: full or hollow; without a mark where nothing is confirmed at all."""
    return STANDING_LOOK[certainty.standing(e) if certainty.confirms(state) else ""]


def _value(state: State, e: Experiment) -> tuple[str, Role]:
    if e.estimate is None:
        return "", "text"
    doubted = e.quarantined or e.trust == "self-reported"
    kept = standing_look(state, e)[1] if e.verdict == "kept" else "text"
    return words.number(e.estimate) + TRUST_MARK[e.trust], "mark" if doubted else kept


def _mechanism_mark(e: Experiment) -> tuple[str, Role]:
    """Nothing where there is no mechanism to speak of: the baseline, and what was never judged or proposed."""
    if e.is_baseline or e.verdict is None or (not e.mechanism and not e.explained):
        return "", "quiet"
    return MECHANISM_LOOK[e.mechanism_held]


def _standing(state: State, e: Experiment, alive: bool) -> tuple[str, Role]:
    if e.verdict == "unproposed" and e.turn:
        return words.TURNS[e.turn.outcome], VERDICT_ROLE[e.verdict]
    if alive and state.repeating and e.number in (state.repeating[0], state.current and state.current.number):
        return "again" if e.verdict else "repeating", "accent"
    if e.verdict == "kept" and not e.is_baseline:
        mark, role = standing_look(state, e)
        return ("□ for now" if mark == "□" else f"{mark} kept".strip()), role
    if e.verdict is not None:
        return DOUBTED if e.quarantined else (words.VERDICTS[e.verdict], VERDICT_ROLE[e.verdict])
    if state.stopped or not alive:
        return "open", "quiet"
    if state.waiting and state.waiting.asked.experiment == e.number:
        return "ASK", "warn"
    if state.held_by and e.step == "running":
        return "HELD", "warn"
    if state.paused_why and e.step == "proposing":
        return "paused", "warn"
    if state.backing_off and state.backing_off.experiment == e.number:
        return "waiting", "warn"
    return {"proposing": "thinking", "running": "RUNNING", "finished": "measuring", "measured": "judging"}.get(
        e.step, e.step
    ), "accent"


def _signed(gain: float | None) -> str:
    if gain is None:
        return ""
    text = words.number(abs(gain))
    return f"{'+' if gain > 0 else '-' if gain < 0 else ' '}{text}"


def asked_detail(state: State, e: Experiment) -> str | None:
    """What an agent asks to be allowed now, in the course of this experiment; None when it asks nothing."""
    asked = state.waiting.asked if state.waiting else None
    if asked is None or asked.gate not in ("tool", "rewrite") or asked.experiment != e.number:
        return None
    more = len(asked.detail) - DETAIL_KEPT
    return asked.detail if more <= 0 else f"{asked.detail[:DETAIL_KEPT]}\n({more} more characters are not shown)"


def diff_title(state: State, e: Experiment) -> str:
    """The words above the diff: the file, when there is one."""
    detail = asked_detail(state, e)
    if detail is not None:
        asked = state.waiting.asked if state.waiting else None
        rewrite = asked is not None and asked.gate == "rewrite"
        about = f"4 Rewrite  {words.one_line(asked.agent)}" if asked and rewrite else f"4 Asked for  #{e.number}"
        return about + (f"  {words.one_line(path)}" if (path := _only_file(detail)) else "")
    if not e.digest:
        return f"4 Diff  #{e.number}"
    path = f"  {words.one_line(e.paths[0])}" if len(e.paths) == 1 else ""
    return f"4 Diff  #{e.number}{path}  +{e.added} −{e.removed}"


def _only_file(diff: str) -> str:
    """The file of a diff that names one and the same before and after; "" when its own lines must be seen for that."""
    header = re.match(r"--- (?:a/)?(\S{1,40})\n\+\+\+ (?:b/)?\1\n@@ ", diff)
    return header[1] if header and "\n--- " not in diff else ""


def no_diff(e: Experiment) -> str:
    """What stands where there is no diff."""
    if e.is_baseline:
        return "the unmodified start"
    return "no proposal yet" if e.verdict is None else "no proposal came of it"


def diff_body(state: State, e: Experiment) -> str:
    """What an agent asks for; else the diff without the two lines that name the file, when the title does."""
    detail = asked_detail(state, e)
    if detail is not None:
        return detail.split("\n", 2)[2] if _only_file(detail) else detail
    if len(e.paths) != 1:
        return e.diff
    return "".join(line for line in e.diff.splitlines(keepends=True)[2:]) if e.diff.startswith("--- ") else e.diff


def curve_title(
    state: State, e: Experiment | None, best: Experiment | None, looks: Sequence[Look], *, ascii_only: bool
) -> Parts:
    """The words above the curve."""
    if e is None:
        return [("loss", "text")]
    parts: Parts = [(f"loss  #{e.number}", "accent")]
    if best is not None and best is not e:
        luck = " for now" if best.is_provisional and certainty.confirms(state) else ""
        parts.append((f"  best #{best.number}{luck}", "quiet"))
    if e.value is not None and state.opened:
        parts.append((f"  {clean(state.metric.name)} {words.number(e.value)}", "text"))
    if not looks:
        return parts
    last = looks[-1]
    chances = sparkline_of([look.p_better for look in looks], 8, ascii_only=ascii_only)
    parts.append((f"  chance {chances} {last.p_better:.0%}", "warn" if last.abort else "quiet"))
    if e.value is None and last.mean is not None and last.sd is not None:
        parts.append((f"  ends {words.number(last.mean)} ± {words.number(last.sd)}", "warn" if last.abort else "quiet"))
    return parts


def band(state: State, e: Experiment, looks: Sequence[Look], best_loss: float | None) -> tuple[Forecast, Level] | None:
    """The last forecast on the scale of the loss, with the level that must be beaten; None when there is no such scale.

    The curve shows the loss and the forecast is of the metric. The best experiment ties them together: it ended with a loss and
    with a metric, and the ratio of the two is taken for this one too.
    """
    best = state.best_value
    if e.value is not None or not looks or state.opened is None or state.metric.direction != "down":
        return None
    last = looks[-1]
    if last.mean is None or last.sd is None or not best or not best_loss or best_loss <= 0 or best <= 0:
        return None
    scale = best_loss / best
    low, high = ((last.mean + sign * 1.645 * last.sd) * scale for sign in (-1, 1))
    return Forecast(low, high), Level(best_loss, f"best {words.number(best)}")


def event_line(at: float, text: str) -> str:
    """A fact with its time of day."""
    return f"{time.strftime('%H:%M:%S', time.localtime(at))}  {text}"


def finite(values: Sequence[float | None]) -> float | None:
    """The last number that is one."""
    return next((value for value in reversed(values) if value is not None and value == value), None)
