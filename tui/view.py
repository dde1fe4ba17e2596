"""What the screen says, made from a run's state. Pure: values in, lines with roles out.

Text that came from an agent, an experiment or a person is cleaned by the widgets it goes to; here it only becomes one line.
"""

import re
import time
from collections.abc import Sequence

from loopwatch.engine.client import Look
from loopwatch.engine.events import Mechanism, Verdict
from loopwatch.engine.state import Experiment, State
from loopwatch.engine.task import Metric

from . import words
from .clean import clean, wrap
from .palette import Role
from .widgets.curve import Forecast, Level
from .widgets.spark import chances as sparkline_of
from .widgets.spark import progress_bar, sparkline
from .widgets.table import Cell, Column, Row

Parts = list[tuple[str, Role]]

STATE_LOOK: dict[words.StateWord, tuple[str, str, Role]] = {
    "starting": ("○", "STARTING", "accent"),
    "proposing": ("●", "PROPOSING", "accent"),
    "waiting": ("◆", "WAITING FOR YOU", "warn"),
    "running": ("●", "RUNNING", "accent"),
    "evaluating": ("●", "EVALUATING", "accent"),
    "paused": ("‖", "PAUSED", "warn"),
    "held": ("‖", "HELD", "warn"),
    "stopping": ("▽", "STOPPING", "warn"),
    "stopped": ("✓", "ENDED", "good"),
    "dead": ("✗", "ENGINE DOWN", "bad"),
}
ASCII_GLYPHS = {"○": "o", "●": "*", "◆": "?", "‖": "=", "▽": "v", "✓": "+", "✗": "!"}

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

MECHANISM_LOOK: dict[Mechanism, tuple[str, Role]] = {
    "confirmed": ("✓", "good"),
    "refuted": ("✗", "bad"),
    "open": ("○", "quiet"),
}

EXPERIMENT_COLUMNS = (
    Column("#", 4, "right"),
    Column("verdict", 9),
    Column("m", 1, priority=1),
    Column("value", 8, "right"),
    Column("gain", 8, "right", priority=2),
    Column("σ", 5, "right", priority=3),
    Column("idea", 7, priority=0, flexible=True),
)
"""`m` is the mechanism: whether it held, apart from the verdict."""

NARROW = 70
"""Below this many columns the header begins with what happens."""

WIDE = 100
"""From this many columns on a countdown has room beside every name."""

NOTICE_LINES = 3

DETAIL_KEPT = 200_000
"""Characters of what an agent asks for; nobody reads more before saying yes."""


def header(
    state: State, *, alive: bool, now: float, width: int, ascii_only: bool, progress: float | None
) -> list[Parts]:
    """Three lines: what is happening, what is best, how the experiments went."""
    return [
        _happening(state, alive=alive, now=now, width=width, ascii_only=ascii_only, progress=progress),
        _best(state),
        _counts(state, width, ascii_only),
    ]


def _happening(state: State, *, alive: bool, now: float, width: int, ascii_only: bool, progress: float | None) -> Parts:
    word = words.state_word(state, alive=alive)
    glyph, name, role = STATE_LOOK[word]
    if word == "paused" and state.current is not None and not state.paused_why:
        name = "PAUSING"
    waits = waits_for_service(state, alive=alive)
    if waits:
        glyph, name, role = "○", "WAITING", "warn"
    reviewed = reviewed_now(state) if word == "proposing" else None
    if reviewed is not None:
        name = f"REVIEWING #{reviewed}"
    glyph = ASCII_GLYPHS[glyph] if ascii_only else glyph
    whose: Parts = [(" loopwatch ", "quiet"), (f" {clean(state.run)} ", "text")] if width >= NARROW else []
    if waits and width < WIDE:
        whose = whose[1:]
    parts: Parts = [*whose, (f" {glyph} {name}", role)]
    current = state.current
    if waits and state.backing_off:
        parts.append((f" #{state.backing_off.experiment}  ", role))
        room = width - sum(len(text) for text, _ in parts)
        return [*parts, (words.service(state.backing_off, now, room=room), "text")]
    if word == "stopped" and state.stopped:
        parts.append((f"  {words.one_line(state.stopped.detail)}", "text"))
    elif word == "dead":
        parts.append(("  nothing is lost: R starts it again", "text"))
    elif word == "paused":
        parts.append((f" by {clean(state.paused_by or '')}: p goes on", "text"))
    elif current is not None:
        parts.append((f" #{current.number}", role))
        parts += _since(state, current, word, now, ascii_only, progress)
    return parts


def waits_for_service(state: State, *, alive: bool) -> bool:
    """Whether nothing goes on but a wait for a service."""
    works = alive and not state.stopped and not state.waiting and not state.held_by
    return works and state.backing_off is not None and not state.paused_why


def reviewed_now(state: State) -> int | None:
    """The experiment that a reviewer reads, while nobody proposes."""
    last = next(reversed(state.bills.values()), None)
    reads = last is not None and last.is_open and last.asked.role == "reviewer" and state.current is None
    return last.asked.experiment if last is not None and reads else None


def notice(state: State, *, width: int) -> list[Parts]:
    """What a person has to mend before the run can go on, if anything."""
    if not state.paused_by or not state.paused_why or state.stopped:
        return []
    told = f"mend this, then p goes on: {words.one_line(state.paused_why)}"
    return [[(f" {row}", "warn")] for row in wrap(told, max(10, width - 2))[:NOTICE_LINES]]


def _since(state: State, current: Experiment, word: str, now: float, ascii_only: bool, progress: float | None) -> Parts:
    if word == "waiting" and state.waiting:
        left = f", {words.clock(state.waiting.deadline - now)} left" if state.waiting.deadline is not None else ""
        return [(f"  {words.clock(now - state.waiting.since)}{left}", "text")]
    if word in ("running", "held") and current.started_at:
        share = f" {progress_bar(progress, 10, ascii_only=ascii_only)} {progress:4.0%}" if progress is not None else ""
        again = f"  attempt {current.attempt}" if current.attempt > 1 else ""
        by = f" by {clean(state.held_by)}: h goes on" if state.held_by else ""
        return [(f"{by} {share}  {words.clock(now - current.started_at)}{again}", "text")]
    if word == "proposing":
        return [(f"  {clean(current.proposer)}  {words.clock(now - current.began_at)}", "text")]
    return []


def _best(state: State) -> Parts:
    if state.opened is None:
        return [(" the engine prepares the task", "quiet")]
    metric = state.metric
    best, baseline = state.best_experiment, state.baseline
    name = f"{clean(metric.name)} ({words.better(metric)})"
    if best is None or best.value is None:
        return [(" BEST ", "quiet"), ("nothing measured yet  ", "text"), (name, "quiet")]
    parts: Parts = [(" BEST ", "quiet"), (words.number(best.value), "good"), (f" {name}  #{best.number}", "text")]
    if baseline is not None and baseline is not best and baseline.value is not None:
        gain = metric.gain(best.value, baseline.value)
        share = f" ({abs(gain / baseline.value):.1%})" if baseline.value else ""
        parts.append(
            (f"  {words.number(abs(gain))}{share} {'better' if gain >= 0 else 'worse'} than the baseline", "text")
        )
    if best.sigma is not None and not best.is_baseline:
        parts.append((f", last gain {best.sigma:.1f} σ", "quiet"))
    return parts


def _counts(state: State, width: int, ascii_only: bool) -> Parts:
    parts: Parts = [*_money(state), (f" {words.counts(state)}", "text")]
    if unread := len(state.unread_notes()):
        parts.append((f"   {unread} note{'' if unread == 1 else 's'} not read yet", "accent"))
    if state.muted_by:
        parts.append((f"   reviewer muted by {clean(state.muted_by)}", "warn"))
    curve = state.best_so_far() if state.opened else []
    room = width - sum(len(text) for text, _ in parts) - 16
    if len(curve) > 1 and room >= 8:
        line = sparkline(curve, min(room, 40), direction=state.metric.direction, ascii_only=ascii_only)
        parts += [("   best so far ", "quiet"), (line, "good")]
    return parts


def _money(state: State) -> Parts:
    cap = state.caps.run_usd
    if not state.spent.requests and cap is None:
        return []
    share = state.spent.usd / cap if cap else 0.0
    role: Role = "bad" if share >= 0.9 else "warn" if share >= 0.8 else "text"
    return [(" spent ", "quiet"), (words.spent_of_cap(state), role), ("  ", "text")]


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
        (words.number(e.value) if e.value is not None else "", "good" if e.verdict == "kept" else "text"),
        (_signed(e.gain), "quiet"),
        (f"{e.sigma:+.1f}" if e.sigma is not None else "", "quiet"),
        (words.one_line(e.hypothesis) or words.one_line(e.reason), "text"),
    )
    return Row(str(e.number), cells)


def _mechanism_mark(e: Experiment) -> tuple[str, Role]:
    """Nothing where there is no mechanism to speak of: the baseline, and what was never judged or proposed."""
    if e.is_baseline or e.verdict is None or (not e.mechanism and not e.explained):
        return "", "quiet"
    return MECHANISM_LOOK[e.mechanism_held]


def _standing(state: State, e: Experiment, alive: bool) -> tuple[str, Role]:
    if e.verdict == "unproposed" and e.turn:
        return words.TURNS[e.turn.outcome], VERDICT_ROLE[e.verdict]
    if e.verdict is not None:
        return words.VERDICTS[e.verdict], VERDICT_ROLE[e.verdict]
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
    if asked is None or asked.gate != "tool" or asked.experiment != e.number:
        return None
    more = len(asked.detail) - DETAIL_KEPT
    return asked.detail if more <= 0 else f"{asked.detail[:DETAIL_KEPT]}\n({more} more characters are not shown)"


def diff_title(state: State, e: Experiment) -> str:
    """The words above the diff: the file, when there is one."""
    detail = asked_detail(state, e)
    if detail is not None:
        return f"4 Asked for  #{e.number}" + (f"  {words.one_line(path)}" if (path := _only_file(detail)) else "")
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
        parts.append((f"  best #{best.number}", "quiet"))
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


__all__ = ["EXPERIMENT_COLUMNS", "Metric", "Parts", "experiment_rows", "header"]
