"""Diagnostics: how the last experiment ran against the best one, told in a few lines from facts and points."""

import math

from loopwatch.engine import events
from loopwatch.engine.prompt.diagnostics import diagnostics
from loopwatch.engine.state import Experiment, State
from loopwatch.engine.telemetry import Point
from tests.engine import facts


def ended(number: int, *, wall: float, memory: float = 0) -> events.Finished:
    return events.Finished(
        experiment=number, attempt=1, reason="exited", wall_seconds=wall, cpu_seconds=wall - 1, peak_memory_mb=memory
    )


def life(number: int, verdict: events.Verdict, *, wall: float, memory: float = 0) -> list[events.AnyFact]:
    story = facts.life(number, verdict)
    return [ended(number, wall=wall, memory=memory) if isinstance(fact, events.Finished) else fact for fact in story]


def curve(number: int, losses: list[float], *, speed: float | None = None, attempt: int = 1) -> list[Point]:
    """Losses at every step, over the whole budget of 100 steps."""
    every = facts.BUDGET.amount / (len(losses) - 1)
    return [
        Point(at, number, attempt, float(at), round(at * every), None, loss, None, None, speed)
        for at, loss in enumerate(losses)
    ]


def told(state: State, *points: Point, logs: dict[int, str] | None = None) -> list[str]:
    def log(experiment: Experiment) -> str:
        return (logs or {}).get(experiment.number, "")

    return diagnostics(state, lambda number: [p for p in points if p.experiment == number], log).splitlines()


TWO = facts.folded(facts.opened(), *life(1, "kept", wall=20, memory=500), *life(2, "discarded", wall=30, memory=640))


def test_before_anything_ran_there_is_nothing_to_tell() -> None:
    assert told(facts.folded(facts.opened(), *facts.proposed(1))) == []


def test_the_last_one_stands_beside_the_best() -> None:
    lines = told(TWO, *curve(2, [3, 2, 1], speed=1200), *curve(1, [3, 2, 1], speed=1000))

    assert lines[:5] == [
        "How #2 ran, the last one that did; in brackets the best, #1",
        "wall time: 30.0 s (20.0 s)", "processor time: 29.0 s (19.0 s)", "peak memory: 640 MB (500 MB)",
        "speed: 1200 tokens/s (1000 tokens/s)",
    ]  # fmt: skip


def test_the_best_one_stands_alone_when_it_is_the_last() -> None:
    lines = told(facts.folded(facts.opened(), *life(1, "kept", wall=20)))

    assert lines == ["How #1 ran, the last one that did", "wall time: 20.0 s", "processor time: 19.0 s"]


def test_a_curve_is_told_by_its_start_a_few_places_its_end_and_its_slope() -> None:
    falling = [4 - 0.02 * step for step in range(101)]

    assert told(TWO, *curve(2, falling))[-1] == (
        "training loss: 4.0000 at first, 3.8000 at 10%, 3.5000 at 25%, 3.0000 at 50%, 2.5000 at 75%, 2.0000 at the end "
        "(100% of the budget), falling by 0.2000 per tenth of the budget there"
    )


def test_a_rising_end_is_told_as_such() -> None:
    assert "rising by 0.1000 per tenth" in told(TWO, *curve(2, [1 + 0.01 * step for step in range(101)]))[-1]


def test_losses_that_are_no_numbers_are_counted_and_only_of_the_last_attempt() -> None:
    points = [*curve(2, [math.nan] * 5, attempt=7), *curve(2, [3.0, 2.0, math.nan, math.nan])]

    lines = told(TWO, *points)

    assert lines[-1] == "the loss was not a number in 2 of 4 reports"
    assert lines[-2].startswith("training loss: 3.0000 at first, ")
    assert lines[-2].endswith(", 2.0000 at the end (33% of the budget)")


def test_a_gpu_s_figures_are_taken_from_what_was_printed_and_nothing_else_is() -> None:
    log = "val_bpb: 0.1\npeak_vram_mb:     45060.2\nmfu_percent:      39.80\ngpu_ok: yes; rm -rf /\n"

    lines = told(TWO, logs={2: log, 1: "peak_vram_mb: 44000.0"})

    assert lines[4:] == [
        "peak_vram_mb (as it printed): 45060.2 (44000.0)", "mfu_percent (as it printed): 39.80",
    ]  # fmt: skip


def test_what_the_forecaster_would_have_done_is_told() -> None:
    suggested = events.AbortSuggested(
        experiment=2, attempt=1, forecaster="learned", mode="shadow", share=0.4, p_better=0.01, saves_seconds=9, reason="no"
    )  # fmt: skip
    story = [*life(2, "discarded", wall=30)]
    story.insert(5, suggested)

    lines = told(facts.folded(facts.opened(), *life(1, "kept", wall=20), *story))

    assert lines[-1] == "the forecaster would have ended it at 40% of the budget"
