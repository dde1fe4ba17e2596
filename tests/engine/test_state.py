"""What a run looks like after its facts: an experiment's steps, gates, notes, pauses, restarts."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine import events
from loopwatch.engine.events import AnyFact, Entry
from loopwatch.engine.policy import GATES
from loopwatch.engine.state import State
from tests.engine import facts
from tests.engine.facts import folded

BEGUN: list[AnyFact] = [facts.opened(), facts.engine()]


def steps(*happened: AnyFact) -> list[str]:
    """The newest experiment's step after each fact that changes it."""
    state = State()
    seen: list[str] = []
    for entry in facts.entries(*BEGUN, *happened):
        state.apply(entry)
        if state.last and state.last.step not in seen[-1:]:
            seen.append(state.last.step)
    return seen


def test_a_life_goes_through_its_steps_in_order() -> None:
    assert steps(*facts.life(1)) == [
        "proposing", "proposed", "approved", "applied", "running", "finished", "measured", "judged", "settled",
    ]  # fmt: skip


def test_a_settled_experiment_is_not_current_any_more() -> None:
    assert folded(*BEGUN, *facts.life(1)[:-1]).current is not None
    assert folded(*BEGUN, *facts.life(1)).current is None


def test_a_kept_experiment_is_the_best_and_a_discarded_one_is_not() -> None:
    state = folded(*BEGUN, *facts.life(1), *facts.life(2, "kept", 1.9), *facts.life(3, "discarded", 2.2))

    assert (state.best, state.best_value, state.best_commit) == (2, 1.9, "base")
    assert (state.count(), state.count("kept"), state.count("kept", "discarded")) == (3, 2, 3)


def test_the_best_so_far_never_gets_worse_even_when_a_person_keeps_something_worse() -> None:
    state = folded(
        *BEGUN,
        *facts.life(1),
        *facts.life(2, "crashed", None),
        *facts.life(3, "kept", 1.5),
        *facts.life(4, "kept", 1.8),
    )

    assert state.best_so_far() == [2.0, 2.0, 1.5, 1.5]


def test_a_gate_waits_until_it_is_answered() -> None:
    asked = facts.asked(2, seconds=60)
    waiting = folded(*BEGUN, *facts.life(1), *facts.proposed(2), asked)
    answered = folded(*BEGUN, *facts.life(1), *facts.proposed(2), asked, facts.decided(2, "veto"))

    assert waiting.waiting is not None
    assert waiting.waiting.deadline == waiting.at + 60
    assert answered.waiting is None


def test_an_ask_without_a_deadline_waits_for_ever() -> None:
    state = folded(*BEGUN, *facts.proposed(1), facts.asked(1))

    assert state.waiting is not None
    assert state.waiting.deadline is None


def test_an_amended_proposal_has_to_be_decided_again() -> None:
    amended = facts.proposed(2, revision=2, diff="--- mine")[1]
    state = folded(*BEGUN, *facts.life(1), *facts.proposed(2), facts.asked(2), facts.decided(2, "amend"), amended)

    assert state.experiments[2].step == "proposed"
    assert state.experiments[2].decided("apply") is None
    assert state.experiments[2].diff == "--- mine"


def test_a_question_about_a_running_experiment_is_over_when_it_has_finished() -> None:
    running = [*BEGUN, *facts.proposed(1), *facts.started(1), facts.asked(1, gate="run")]

    assert folded(*running).waiting is not None
    assert folded(*running, facts.finished(1)).waiting is None
    assert folded(*running, events.AttemptLost(experiment=1, attempt=1, why="killed")).waiting is None


def test_a_lost_attempt_leaves_nothing_of_itself() -> None:
    lost = events.AttemptLost(experiment=1, attempt=1, why="too slow")
    state = folded(*BEGUN, *facts.proposed(1), *facts.started(1), facts.finished(1), lost)
    experiment = state.experiments[1]

    assert (experiment.step, experiment.finished, experiment.measured) == ("applied", None, None)


SUGGESTED = events.AbortSuggested(
    experiment=2,
    attempt=1,
    forecaster="learned",
    mode="acts",
    share=0.25,
    p_better=0.01,
    saves_seconds=30,
    reason="bad",
)


def test_a_suggested_abort_stays_with_its_experiment_and_waits_for_nobody_by_itself() -> None:
    life = facts.life(2)
    running = [*BEGUN, *facts.life(1), *life[:-4], SUGGESTED]
    state = folded(*running)

    assert state.experiments[2].suggested == SUGGESTED
    assert state.waiting is None
    assert state.experiments[2].step == folded(*running[:-1]).experiments[2].step
    assert folded(*running, *life[-4:]).experiments[2].suggested == SUGGESTED


def test_a_suggestion_about_a_lost_attempt_is_forgotten_by_the_next() -> None:
    lost = events.AttemptLost(experiment=2, attempt=1, why="killed")
    state = folded(*BEGUN, *facts.proposed(2), *facts.started(2), SUGGESTED, lost, *facts.started(2, attempt=2))

    assert state.experiments[2].suggested is None


def test_trust_outlives_the_engine() -> None:
    trusted = events.ForecasterTrusted(by="its back-test", why="proven")

    assert folded(*BEGUN).trusted_by is None
    assert folded(*BEGUN, trusted, facts.engine(8)).trusted_by == "its back-test"


def test_a_note_is_unread_until_a_prompt_contained_it() -> None:
    noted = events.Noted(note=1, text="try more heads", by="anna")
    asks = events.Proposing(experiment=1, revision=1, proposer="random", notes=(1,))

    assert [note.text for note in folded(*BEGUN, noted).unread_notes()] == ["try more heads"]
    assert folded(*BEGUN, noted, asks).unread_notes() == []
    assert folded(*BEGUN, noted, asks).notes[1].read_in == 1


def test_resuming_ends_a_pause_and_a_hold() -> None:
    stopped = [
        *BEGUN,
        *facts.proposed(1),
        *facts.started(1),
        events.Paused(by="anna"),
        events.Held(by="bo", experiment=1),
    ]

    assert (folded(*stopped).paused_by, folded(*stopped).held_by) == ("anna", "bo")
    assert (folded(*stopped, events.Resumed(by="bo")).paused_by, folded(*stopped, events.Resumed(by="bo")).held_by) == (
        None,
        None,
    )


def test_a_changed_policy_holds_from_then_on() -> None:
    state = folded(*BEGUN, events.PolicyChanged(gate="apply", policy="auto", by="anna"))

    assert state.gates == {**dict.fromkeys(GATES, "ask"), "apply": "auto"}


def test_a_new_engine_takes_back_the_stop_but_not_the_pause() -> None:
    ended = [
        *BEGUN,
        events.Paused(by="anna"),
        events.StopAsked(by="anna"),
        events.Stopped(because="person", detail="stopped by anna"),
    ]
    state = folded(*ended, facts.engine(8))

    assert (state.stopped, state.stop_asked, state.paused_by) == (None, None, "anna")


def test_time_at_work_is_added_over_engines_whether_stopped_or_killed() -> None:
    stopped = events.Stopped(because="person", detail="")
    at: list[tuple[float, AnyFact]] = [
        (0, facts.opened()),
        (10, facts.engine()),
        (40, stopped),
        (1000, facts.engine()),
        (1060, stopped),
    ]
    killed: list[tuple[float, AnyFact]] = [
        *at,
        (2000, facts.engine()),
        (2005, events.Warned(text="hm")),
        (9000, facts.engine()),
    ]

    assert _timed(at).worked_seconds == 30 + 60
    assert _timed(killed).worked_seconds == 30 + 60 + 5


def test_the_baseline_s_first_speed_is_the_reference() -> None:
    state = folded(*BEGUN, *facts.proposed(1), facts.measured(1, 2.0, speed=100.0), facts.measured(1, 2.0, speed=50.0))

    assert state.usual_speed == 100.0


def _timed(happened: Sequence[tuple[float, AnyFact]]) -> State:
    state = State()
    for seq, (at, fact) in enumerate(happened, start=1):
        state.apply(Entry(seq, at, fact))
    return state


@st.composite
def stories(draw: st.DrawFn) -> list[AnyFact]:
    """Lives one after the other, with what people and engines do strewn in; perhaps cut short."""
    aside: list[AnyFact] = [
        events.Paused(by="anna"), events.Resumed(by="bo"), events.Warned(text="hm"), facts.engine(9),
        events.StopAsked(by="anna"), events.PolicyChanged(gate="run", policy="auto", by="bo"),
        events.Stopped(because="person", detail=""), events.ForecasterTrusted(by="anna"),
    ]  # fmt: skip
    verdict = st.sampled_from(["kept", "discarded", "crashed", "vetoed"])
    happened = [*BEGUN]
    for number in range(1, draw(st.integers(1, 4)) + 1):
        life = facts.life(number, draw(verdict), draw(st.floats(0.3, 8.5)))  # type: ignore[arg-type]
        gated = [*life[:2], facts.asked(number), *life[2:]]
        for fact in gated:
            happened += draw(st.lists(st.sampled_from(aside), max_size=1))
            happened.append(fact)
    return happened[: draw(st.integers(1, len(happened)))]


@given(stories(), st.data())
def test_a_viewer_that_arrives_late_or_reads_in_pieces_sees_the_same(story: list[AnyFact], data: st.DataObject) -> None:
    whole, pieces = facts.entries(*story), State()
    while pieces.seq < len(whole):
        upto = data.draw(st.integers(pieces.seq + 1, len(whole)))
        for entry in whole[pieces.seq : upto]:
            pieces.apply(entry)

    assert pieces == folded(*story)


@given(stories())
def test_facts_that_went_through_json_fold_to_the_same(story: list[AnyFact]) -> None:
    stored = [events.read(fact.model_dump_json()) for fact in story]

    assert stored == story
    assert folded(*stored) == folded(*story)


@given(stories())
def test_folding_changes_no_fact(story: list[AnyFact]) -> None:
    before = [fact.model_dump_json() for fact in story]

    folded(*story)
    folded(*story)

    assert [fact.model_dump_json() for fact in story] == before


@given(stories())
def test_at_most_one_experiment_is_open_and_it_is_the_newest(story: list[AnyFact]) -> None:
    state = folded(*story)

    assert [e.number for e in state.experiments.values() if e.step != "settled"] in (
        [],
        [max(state.experiments, default=0)],
    )
    assert state.best is None or state.experiments[state.best].verdict == "kept"


def test_a_fact_of_a_newer_version_is_read_without_the_fields_we_do_not_know() -> None:
    fact = events.read('{"kind": "paused", "by": "anna", "mood": "calm"}')

    assert fact == events.Paused(by="anna")
