"""The lines at the top: what is happening, what is best and how sure that is, how the experiments went. Pure."""

from collections.abc import Sequence
from itertools import groupby
from typing import Final, NamedTuple

from rich.cells import cell_len

from loopwatch.engine.state import Experiment, State

from . import certainty, containment, doing, outer, words
from .clean import cell_fit, clean, wrap
from .palette import Role
from .view import Parts, standing_look
from .widgets.spark import is_thin, progress_bar, sparkline

STATE_LOOK: Final[dict[doing.StateWord, tuple[str, str, Role]]] = {
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
ASCII_GLYPHS: Final = {"○": "o", "●": "*", "◆": "?", "‖": "=", "▽": "v", "✓": "+", "✗": "!"}

NARROW: Final = 70
"""Below this many columns the header begins with what happens."""

WIDE: Final = 100
"""From this many columns on a countdown has room beside every name."""

ROOMY: Final = 140
"""From this many columns on what is compared has room beside every name."""

NOTICE_LINES: Final = 3
BAR_CELLS: Final = 10
LABEL: Final = "   best so far "


class Piece(NamedTuple):
    """A part of a line that gives way where room is short."""

    role: Role
    forms: tuple[tuple[int, str], ...]
    """From the longest to the shortest, each with how early it is given up; 0 never is. After the last there is nothing."""


def header(
    state: State, *, alive: bool, now: float, width: int, ascii_only: bool, progress: float | None
) -> list[Parts]:
    """Three lines: what is happening, what is best, how the experiments went; and a fourth where there is an outer loop."""
    happening = _happening(state, alive=alive, now=now, width=width, ascii_only=ascii_only, progress=progress)
    lines = [_beside(happening, _tier(state), width), _best(state, width), _counts(state, width, ascii_only)]
    return [*lines, nested] if (nested := outer.nested(state)) else lines


def banner(state: State, *, width: int) -> Parts:
    """What a person must never overlook: experiments that nothing contains. Empty where they are contained."""
    said = containment.uncontained(state.engine) if state.engine else ""
    return [(f" {said} ".ljust(width), "alarm")] if said else []


def notice(state: State, *, width: int) -> list[Parts]:
    """What a person has to mend before the run can go on, if anything."""
    if not state.paused_by or not state.paused_why or state.stopped:
        return []
    told = f"mend this, then p goes on: {words.one_line(state.paused_why)}"
    return [[(f" {row}", "warn")] for row in wrap(told, max(10, width - 2))[:NOTICE_LINES]]


def waits_for_service(state: State, *, alive: bool) -> bool:
    """Whether nothing goes on but a wait for a service."""
    works = alive and not state.stopped and not state.waiting and not state.held_by
    return works and state.backing_off is not None and not state.paused_why


# -- what is happening -------------------------------------------------------------------------------------------------


def _happening(state: State, *, alive: bool, now: float, width: int, ascii_only: bool, progress: float | None) -> Parts:
    word = doing.state_word(state, alive=alive)
    glyph, name, role = STATE_LOOK[word]
    if word == "paused" and state.current is not None and not state.paused_why:
        name = "PAUSING"
    waits = waits_for_service(state, alive=alive)
    if waits:
        glyph, name, role = "○", "WAITING", "warn"
    reviewed = _reviewed_now(state) if word == "proposing" else None
    if reviewed is not None:
        name = f"REVIEWING #{reviewed}"
    again = _again(state, now, width, ascii_only) if word == "running" else None
    if again:
        name = again[0]
    glyph = ASCII_GLYPHS[glyph] if ascii_only else glyph
    whose: Parts = [(" loopwatch ", "quiet"), (f" {clean(state.run)} ", "text")] if width >= NARROW else []
    if again and width < ROOMY:
        whose = whose[1:] if width >= WIDE else []
    if waits and width < WIDE:
        whose = whose[1:]
    parts: Parts = [*whose, (f" {glyph} {name}", role)]
    current = state.current
    if again:
        return [*parts, (again[1], "text")]
    if waits and state.backing_off:
        parts.append((f" #{state.backing_off.experiment}  ", role))
        room = width - sum(len(text) for text, _ in parts) - len(_tier(state)[0]) - 2
        return [*parts, (words.service(state.backing_off, now, room=room), "text")]
    if word == "held" and state.repeating:
        parts.append((f" the repeat of #{state.repeating[0]} by {clean(state.held_by or '')}: h goes on", "text"))
    elif word == "stopped" and state.stopped:
        parts.append((f"  {words.one_line(state.stopped.detail)}", "text"))
    elif word == "dead":
        parts.append(("  nothing is lost: R starts it again", "text"))
    elif word == "paused":
        parts.append((f" by {clean(state.paused_by or '')}: p goes on", "text"))
    elif current is not None:
        parts.append((f" #{current.number}", role))
        parts += _since(state, current, word, now, ascii_only, progress)
    return parts


def _reviewed_now(state: State) -> int | None:
    """The experiment that a reviewer reads, while nobody proposes."""
    last = next(reversed(state.bills.values()), None)
    reads = last is not None and last.is_open and last.asked.role == "reviewer" and state.current is None
    return last.asked.experiment if last is not None and reads else None


def _again(state: State, now: float, width: int, ascii_only: bool) -> tuple[str, str] | None:
    """What is trained besides proposals: what it is for, and how far it is."""
    if state.controlling:
        return "CONTROL", "  a training that cannot learn must score worse"
    repeat = state.repeat
    if repeat is None or state.repeating is None:
        return None
    trained, candidate = state.experiments[state.repeating[0]], state.current
    name = f"TRAINING #{trained.number} AGAIN"
    match repeat.why:
        case "noise" | "drift":
            name = "NOISE FLOOR" if repeat.why == "noise" else "NOISE AGAIN"
            said = f"  {repeat.number} of {repeat.of}" if repeat.of else f"  repeat {repeat.number}"
        case "person":
            name, said = f"ONE MORE OF #{trained.number}", f"  repeat {repeat.number}"
        case _ if candidate is not None:
            beside = f"#{trained.number} beside it, " if trained is not candidate else ""
            name, said = f"CONFIRMING #{candidate.number}", f"  {beside}repeat {repeat.number}"
        case _:
            said = f"  repeat {repeat.number}"
    known = [r.measured.wall_seconds for r in trained.repeats if r.measured and r.measured.wall_seconds]
    known += [trained.finished.wall_seconds] if trained.finished and trained.finished.wall_seconds else []
    since = max(0.0, now - repeat.began_at)
    share = min(0.99, since / max(known)) if known else None
    cells = BAR_CELLS if width >= WIDE else BAR_CELLS // 2
    bar = f"  {progress_bar(share, cells, ascii_only=ascii_only)} {share:4.0%}" if share is not None else ""
    return name, f"{said}{bar}  {words.clock(since)}{_against(state, candidate)}"


def _against(state: State, candidate: Experiment | None) -> str:
    rival = state.confirmed_experiment
    if candidate is None or rival is None or rival is candidate or candidate.estimate is None:
        return ""
    return f"   {words.number(candidate.estimate)} against {words.number(rival.estimate)}"


def _since(state: State, current: Experiment, word: str, now: float, ascii_only: bool, progress: float | None) -> Parts:
    if word == "waiting" and state.waiting:
        left = f", {words.clock(state.waiting.deadline - now)} left" if state.waiting.deadline is not None else ""
        return [(f"  {words.clock(now - state.waiting.since)}{left}", "text")]
    if word in ("running", "held") and current.started_at:
        bar = progress_bar(progress, BAR_CELLS, ascii_only=ascii_only) if progress is not None else ""
        share = f" {bar} {progress:4.0%}" if progress is not None else ""
        again = f"  attempt {current.attempt}" if current.attempt > 1 else ""
        by = f" by {clean(state.held_by)}: h goes on" if state.held_by else ""
        return [(f"{by} {share}  {words.clock(now - current.started_at)}{again}", "text")]
    if word == "proposing":
        return [(f"  {clean(current.proposer)}  {words.clock(now - current.began_at)}", "text")]
    return []


def _tier(state: State) -> tuple[str, Role]:
    """How experiments are contained, in a word or two."""
    engine = state.engine
    if engine is None or engine.sandbox in containment.UNCONTAINED:  # which the banner says
        return "", "quiet"
    return containment.tier(engine), "warn" if engine.not_protected else "good"


# -- what is best ------------------------------------------------------------------------------------------------------


def _best(state: State, width: int) -> Parts:
    if state.opened is None:
        return [(" the engine prepares the task", "quiet")]
    metric = state.metric
    best = state.best_experiment
    name = clean(metric.name)
    named = Piece("quiet", ((9, f"{name} ({words.better(metric)})"), (4, name)))
    if best is None or best.estimate is None:
        return [(" BEST ", "quiet"), *_fitted([Piece("text", ((0, "nothing measured yet"),)), named], width - 6)]
    sure = state.confirmed_experiment
    pieces = [Piece(standing_look(state, best)[1], ((0, words.number(best.estimate)),)), _standing(state, best)]
    if best.is_provisional and certainty.confirms(state) and sure:
        pieces.append(Piece("good", ((1, f"■ confirmed {words.number(sure.estimate)}"),)))
    pieces += [_trust(best), Piece("text", ((4, f"#{best.number}"),)), named, *_gain(state), *_noise(state)]
    return [(" BEST ", "quiet"), *_fitted([piece for piece in pieces if piece.forms], width - 6)]


def _standing(state: State, best: Experiment) -> Piece:
    mark, role = standing_look(state, best)
    if best.is_baseline:
        return Piece(role, ((2, "the baseline"),))
    if not certainty.confirms(state):
        return Piece("quiet", ((2, "not repeated"),))
    if best.confirmed:
        return Piece(role, ((0, f"{mark} confirmed"),))
    sigma = f" ({best.sigma:.1f} σ)" if best.sigma is not None else ""
    return Piece(role, ((2, f"{mark} provisional{sigma}"), (0, f"{mark} provisional")))


def _trust(best: Experiment) -> Piece:
    match best.trust:
        case None:
            return Piece("quiet", ())
        case "self-reported":
            return Piece("warn", ((0, "SELF-REPORTED"),))
        case trust:
            return Piece("quiet" if trust == "independent" else "text", ((3, trust),))


def _gain(state: State) -> list[Piece]:
    progress = state.progress
    if progress is None:
        return []
    gain = state.metric.gain(progress.best, progress.baseline)
    way = "better" if gain >= 0 else "worse"
    size = words.number(abs(gain))
    if not progress.baseline:
        return [Piece("text", ((8, f"{size} {way} than the baseline"), (5, f"{size} {way}")))]
    share = f"{abs(gain / progress.baseline):.1%}"
    forms = (
        (8, f"{size} ({share}) {way} than the baseline"),
        (7, f"{share} {way} than the baseline"),
        (5, f"{share} {way}"),
    )
    return [Piece("text", forms)]


def _noise(state: State) -> list[Piece]:
    known = state.noise
    if known.sigma is None:
        return []
    if not known.is_measured:
        return [Piece("quiet", ((6, f"σ {words.spread(known.sigma)} declared"),))]
    trained = sum(len(e.fresh) for e in state.experiments.values() if len(e.fresh) > 1)
    sigma = f"σ {words.spread(known.sigma)}"
    interval = f"{sigma} [{words.spread(known.low)}–{words.spread(known.high)}] n={trained}"
    return [Piece("quiet", ((10, interval), (6, f"{sigma} n={trained}"), (5, sigma)))]


# -- how it went -------------------------------------------------------------------------------------------------------


def _counts(state: State, width: int, ascii_only: bool) -> Parts:
    parts: Parts = [*_money(state), (f" {certainty.counts(state)}", "text")]
    if unread := len(state.unread_notes()):
        parts.append((f"   {unread} note{'' if unread == 1 else 's'} not read yet", "accent"))
    if state.muted_by:
        parts.append((f"   reviewer muted by {clean(state.muted_by)}", "warn"))
    points = _best_so_far(state)
    room = width - sum(len(text) for text, _ in parts) - len(LABEL) - 1
    label = LABEL if room >= 8 else LABEL[:3]
    room = room if room >= 8 else room + len(LABEL) - 3
    if len(points) > 1 and room >= 4:
        values, doubtful = zip(*points, strict=True)
        line = sparkline(
            values, min(room, 40), direction=state.metric.direction, ascii_only=ascii_only, thin=doubtful
        ).rstrip()
        parts.append((label, "quiet"))
        parts += [("".join(bars), "warn" if thin else "good") for thin, bars in groupby(line, is_thin)]
        if any(doubtful) and room - len(line) > 30:
            full, thin = "#|" if ascii_only else "█⣿"
            parts.append((f"   {full} confirmed  {thin} provisional", "quiet"))
    return parts


def _money(state: State) -> Parts:
    cap = state.caps.run_usd
    if not state.spent.requests and cap is None:
        return []
    share = state.spent.usd / cap if cap else 0.0
    role: Role = "bad" if share >= 0.9 else "warn" if share >= 0.8 else "text"
    return [(" spent ", "quiet"), (words.spent_of_cap(state), role), ("  ", "text")]


def _best_so_far(state: State) -> list[tuple[float, bool]]:
    """The best after each judged experiment, and whether it may be luck."""
    found: list[tuple[float, bool]] = []
    for number in sorted(state.experiments):
        e = state.experiments[number]
        if e.verdict == "kept" and e.estimate is not None:
            found.append((e.estimate, e.is_provisional and certainty.confirms(state)))
        elif e.verdict is not None and found:
            found.append(found[-1])
    return found


# -- room --------------------------------------------------------------------------------------------------------------


def _fitted(pieces: Sequence[Piece], room: int) -> Parts:
    """The pieces in the longest forms that fit beside each other."""
    forms = [list(piece.forms) for piece in pieces]

    def used() -> int:
        return sum(cell_len(form[0][1]) + 2 for form in forms if form) - 2

    while used() > room and (dearest := max(form[0][0] for form in forms if form)):
        next(form for form in reversed(forms) if form and form[0][0] == dearest).pop(0)
    shown = [(form[0][1], piece.role) for form, piece in zip(forms, pieces, strict=True) if form]
    return [(text if at == len(shown) - 1 else f"{text}  ", role) for at, (text, role) in enumerate(shown)]


def _beside(parts: Parts, right: tuple[str, Role], width: int) -> Parts:
    """A line with something at its right end, for which what is long gives way; where there is hardly room it stays away."""
    room = width - cell_len(right[0]) - 2
    used = sum(cell_len(text) for text, _ in parts)
    if not right[0] or (used > room and width < NARROW):
        return parts
    fitting: Parts = []
    for text, role in parts:
        left = room - sum(cell_len(text) for text, _ in fitting)
        fitting.append((text if cell_len(text) <= left else cell_fit(text, max(0, left), more="…"), role))
    return [*fitting, (" " * (room - sum(cell_len(text) for text, _ in fitting) + 1), "text"), right]
