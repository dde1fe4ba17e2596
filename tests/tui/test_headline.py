"""What the lines at the top say: what is best, how sure that is, how far it can be believed, and what contains it."""

import pytest
from rich.cells import cell_len

from loopwatch.engine import events
from loopwatch.engine.config import Tier
from loopwatch.engine.events import AnyFact, Entry
from loopwatch.engine.state import State
from loopwatch.engine.trust import Trust
from loopwatch.tui.headline import banner, header

from .command import finished, judged, opened, proposed

KEPT = {"verdict": "kept", "reason": "kept", "by": "judge"}


def folded(*facts: AnyFact, tier: Tier | None = "sealed", holes: tuple[str, ...] = (), **settings: str) -> State:
    engine = events.EngineStarted(pid=1, host="here", versions={}, sandbox=tier, not_protected=holes)
    state = State()
    for seq, fact in enumerate([opened(**settings), engine, *facts], start=1):
        state.apply(Entry(seq, float(seq), fact))
    return state


def baseline(trust: Trust = "independent") -> list[AnyFact]:
    measured = events.Measured(experiment=1, attempt=1, value=3.4, trust=trust)
    return [*proposed(1, "baseline"), finished(1), measured, *judged(1, "kept", 3.4)]


def kept(number: int, value: float, *, sure: bool, trust: Trust = "independent") -> list[AnyFact]:
    return [
        *proposed(number, "an idea"),
        events.Measured(experiment=number, attempt=1, value=value, trust=trust),
        events.Judged.model_validate(
            {**KEPT, "experiment": number, "value": value, "gain": 0.1, "sigma": 0.8, "confirmed": sure}
        ),
        events.Settled(experiment=number, best_commit="b"),
    ]


def repeats(number: int, why: events.Why, *values: float, of: int | None = None) -> list[AnyFact]:
    facts: list[AnyFact] = []
    for at, value in enumerate(values, start=1):
        facts += [
            events.RepeatStarted(experiment=number, repeat=at, seed=at, why=why, of=of),
            events.RepeatMeasured(experiment=number, repeat=at, value=value, why=why, of=of, wall_seconds=10),
        ]
    return facts


def top(state: State, *, width: int = 120, now: float | None = None) -> list[str]:
    at = state.at if now is None else now
    lines = header(state, alive=True, now=at, width=width, ascii_only=False, progress=None)
    return ["".join(text for text, _ in line).rstrip() for line in lines]


def test_a_confirmed_best_is_called_confirmed_with_its_trust() -> None:
    assert top(folded(*baseline(), *kept(2, 3.3, sure=True)))[1] == (
        " BEST 3.3000  ■ confirmed  independent  #2  val_bpb  0.1000 (2.9%) better than the baseline  σ 0.008 declared"
    )


def test_a_provisional_best_stands_beside_what_is_confirmed() -> None:
    state = folded(*baseline(), *kept(2, 3.3, sure=True), *kept(3, 3.29, sure=False))

    assert top(state, width=64)[1] == " BEST 3.2900  □ provisional (0.8 σ)  ■ confirmed 3.3000"
    assert "3 kept (1 provisional)" in top(state)[2]


def test_the_classic_loop_calls_nothing_confirmed() -> None:
    line = top(folded(*baseline(), *kept(2, 3.3, sure=False), keep="improve"))[1]

    assert " BEST 3.3000  not repeated" in line
    assert "□" not in line


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_number_that_is_only_claimed_says_so_at_every_width(width: int) -> None:
    state = folded(*baseline(), *kept(2, 3.3, sure=True, trust="self-reported"))

    assert "SELF-REPORTED" in top(state, width=width)[1]


def test_the_noise_is_told_with_its_interval_where_there_is_room() -> None:
    state = folded(*baseline(), *repeats(1, "noise", 3.41, 3.39, 3.42, of=3))

    assert "σ 0.013 [0.0073–0.048] n=4" in top(state)[1]
    assert "σ 0.013 n=4" in top(state, width=70)[1]


@pytest.mark.parametrize(
    ("tier", "holes", "said"),
    [
        ("sealed", (), "sealed"),
        ("fenced", ("experiments can a", "experiments can b"), "fenced: 2 open"),
        (None, (), ""),
    ],
)
def test_the_first_line_ends_with_how_experiments_are_contained(tier: Tier, holes: tuple[str, ...], said: str) -> None:
    state = folded(*baseline(), tier=tier, holes=holes)

    assert top(state, width=80)[0].endswith(said)
    assert not banner(state, width=80)


@pytest.mark.parametrize("tier", ["none", "limits"])
def test_experiments_that_nothing_contains_have_a_banner(tier: Tier) -> None:
    [(said, role)] = banner(folded(*baseline(), tier=tier, holes=("experiments can read your files",)), width=80)

    assert role == "alarm"
    assert "EXPERIMENTS ARE NOT CONTAINED" in said
    assert "read your files" in said


def test_the_noise_floor_says_how_far_it_is() -> None:
    begun = events.RepeatStarted(experiment=1, repeat=3, seed=3, why="noise", of=5)
    state = folded(*baseline(), *repeats(1, "noise", 3.41, 3.39, of=5), begun)

    assert "NOISE FLOOR  3 of 5  ━━━━━━────  60%" in top(state, now=state.at + 7.5)[0]


def test_while_the_rival_trains_it_is_the_candidate_that_is_confirmed() -> None:
    facts = [
        *proposed(2, "an idea"),
        events.Measured(experiment=2, attempt=1, value=3.3),
        *repeats(2, "confirmation", 3.31),
    ]
    state = folded(*baseline(), *facts, events.RepeatStarted(experiment=1, repeat=1, seed=9, why="incumbent"))

    line = top(state, width=160)[0]
    assert "CONFIRMING #2  #1 beside it, repeat 1" in line
    assert "3.3100 against 3.4000" in line


def test_what_is_trained_again_because_the_machine_drifted_is_said() -> None:
    drifted = events.Drifted(speed=80.0, before=100.0, since=1000.0)
    again = events.RepeatStarted(experiment=1, repeat=3, seed=9, why="drift")

    line = top(folded(*baseline(), *repeats(1, "noise", 3.41, 3.39, of=2), drifted, again))[0]

    assert "NOISE AGAIN  repeat 3" in line


def test_the_control_is_shown_between_the_noise_floor_and_the_first_proposal() -> None:
    floor = [*baseline(), *repeats(1, "noise", 3.41, 3.39, of=2)]
    began, done = (
        events.ControlStarted(attempt=1),
        events.ControlMeasured(attempt=1, clearly_worse=True, reason="worse"),
    )

    assert "CONTROL" not in top(folded(*floor))[0]
    assert "CONTROL" in top(folded(*floor, began))[0]
    assert "CONTROL" not in top(folded(*floor, began, done))[0]
    assert "CONTROL" not in top(folded(*floor, began, events.Stopped(because="person", detail="")))[0]


def test_what_is_provisional_is_dotted_in_the_line_of_the_best() -> None:
    line = top(folded(*baseline(), *kept(2, 3.3, sure=True), *kept(3, 3.29, sure=False)))[2]

    assert "best so far █▂⣀" in line
    assert "█ confirmed  ⣿ provisional" in line


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 200])
def test_what_is_best_fits_in_every_width(width: int) -> None:
    state = folded(*baseline(), *kept(2, 3.3, sure=True), *kept(3, 3.29, sure=False), tier="fenced", holes=("a", "b"))

    first, best, _ = top(state, width=width)
    assert cell_len(best) <= max(width, len(" BEST 3.2900  □ provisional"))
    assert cell_len(first) <= max(width, len(" ● PROPOSING"))
