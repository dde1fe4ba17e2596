import pytest

from loopwatch.engine import events
from loopwatch.engine.config import Caps, StopConditions, StopReason
from loopwatch.engine.events import AnyFact, Entry, Outcome
from loopwatch.engine.fact import Fact
from loopwatch.engine.money import Spent, Usage
from loopwatch.engine.state import State
from loopwatch.tui import certainty, doing, exits, sentences, words

from .command import finished, judged, opened, proposed, started

STOPPED = events.Stopped(because="person", detail="stopped by anna")


def folded(*facts: AnyFact) -> State:
    state = State()
    for seq, fact in enumerate(facts, start=1):
        state.apply(Entry(seq, float(seq), fact))
    return state


def asked(gate: str = "apply") -> events.Asked:
    return events.Asked.model_validate(
        {"ask": "2-apply-1", "experiment": 2, "gate": gate, "question": "QK-norm helps", "digest": "d", "policy": "ask"}
    )


RUNNING = (
    *proposed(2, "QK-norm helps"),
    events.Applied(experiment=2, digest="d"),
    events.Started(experiment=2, attempt=1, seed=1),
)

EVERY_FACT: list[AnyFact] = [
    opened(),
    started(),
    events.ProgramRead(path="program.md", text="lower it"),
    events.Warned(text="the disk is nearly full"),
    events.Paused(by="anna"),
    events.Held(by="anna", experiment=2),
    events.Resumed(by="anna"),
    events.PolicyChanged(gate="apply", policy="auto", by="anna"),
    events.Noted(note=1, text="try depth", by="anna"),
    events.StopAsked(by="anna"),
    STOPPED,
    *RUNNING,
    asked(),
    events.Decided(experiment=2, gate="apply", answer="veto", by="anna"),
    finished(2),
    events.AbortSuggested(
        experiment=2,
        attempt=1,
        forecaster="learned",
        mode="shadow",
        share=0.4,
        p_better=0.01,
        saves_seconds=12,
        reason="hopeless",
    ),
    events.ForecasterTrusted(by="anna", why="a person said go"),
    events.Measured(experiment=2, attempt=1, value=2.7),
    events.AttemptLost(experiment=2, attempt=1, why="the machine was too slow"),
    *judged(2, "kept", 2.7),
    events.CapsChanged(caps=Caps(run_usd=5), by="anna"),
    events.NoteRead(note=1, experiment=2, where="this turn"),
    events.ReviewerMuted(muted=True, by="anna"),
    events.Briefed(experiment=2, revision=1, digest="d", tokens=9000, left_out=("12 old experiments",)),
    events.Requested(experiment=2, request=1, role="proposer", model="claude-opus-5", prompt_tokens=9000),
    events.Billed(experiment=2, request=1, usage=Usage(input=9000, output=800)),
    events.BackedOff(experiment=2, why="overloaded", until=1_750_000_000, attempt=1, attempts=8),
    events.WentOn(experiment=2, waited_seconds=12.5),
    events.TurnEnded(experiment=2, revision=1, outcome="refused", category="cyber", detail="it would not"),
    events.Explained(experiment=2, mechanism="refuted", theory="the noise is what limits it", by="anna"),
    events.Reviewed(
        experiment=2,
        by="haiku",
        issue_type="repetition",
        severity="high",
        fix_suggestion="try the width",
        confidence=0.8,
        pattern_detected="three in a row",
    ),
    events.Graded(
        experiment=2,
        attempt=1,
        by="haiku",
        votes=3,
        answers=26,
        value=41.5,
        evaluated=38.2,
        spread=1.8,
        unanimous=0.9,
        spoiled=1,
    ),
    events.RepeatStarted(experiment=2, repeat=1, seed=7, why="confirmation"),
    events.RepeatMeasured(experiment=2, repeat=1, value=1.5),
    events.ControlStarted(attempt=1),
    events.ControlMeasured(
        attempt=1, value=5.54, clearly_worse=True, reason="an untrained model scores 5.54, clearly worse"
    ),
    events.Drifted(speed=80.0, before=100.0, since=1000.0),
    events.Drifted(since=1000.0),
]


@pytest.mark.parametrize("fact", EVERY_FACT, ids=lambda fact: fact.kind)
def test_every_fact_is_one_sentence_that_names_its_experiment(fact: AnyFact) -> None:
    sentence = sentences.sentence(fact)

    assert sentence.startswith("#2 ") == (events.experiment_of(fact) == 2)
    assert "\n" not in sentence
    assert len(sentence) > 5


def test_every_kind_of_fact_is_in_the_table_above() -> None:
    of_a_run = {
        fact for fact in Fact.__subclasses__() if "kind" in fact.model_fields and fact.__module__ == events.__name__
    }

    assert {fact.kind for fact in EVERY_FACT} == {fact.model_fields["kind"].default for fact in of_a_run}


def backed_off(
    until: float, *, why: str = "overloaded", attempt: int = 1, attempts: int | None = 8
) -> events.BackedOff:
    return events.BackedOff(experiment=2, why=why, until=until, attempt=attempt, attempts=attempts)


@pytest.mark.parametrize(
    ("left", "attempts", "room", "said"),
    [
        (11.2, 8, None, "overloaded; again in 12 s, try 2 of 8"),
        (-3, 8, None, "overloaded; again in 0 s, try 2 of 8"),
        (7860, None, None, "overloaded; again at 17:17, in 2 h 11 min"),
        (3 * 86400, None, None, "overloaded; again at 18 Jun 15:06, in 72 h 00 min"),
        (12, 8, 30, "again in 12 s, try 2 of 8"),
        (12, 8, 15, "again in 12 s"),
    ],
)
@pytest.mark.usefixtures("_utc")
def test_a_wait_for_a_service_is_counted_down(left: float, attempts: int | None, room: int | None, said: str) -> None:
    now = 1_750_000_000.0

    assert words.service(backed_off(now + left, attempts=attempts), now, room=room) == said


def test_a_long_reason_is_cut_before_the_countdown_is() -> None:
    said = words.service(backed_off(12, why="the service said a lot of things about itself"), 0, room=50)

    assert len(said) <= 50
    assert said.startswith("the service said a")
    assert said.endswith("…; again in 12 s, try 2 of 8")


def test_of_a_long_reason_the_service_s_own_words_are_kept() -> None:
    said = words.service(backed_off(12, why="the service of claude-sonnet-5-5 has trouble: Overloaded"), 0, room=45)

    assert said == "Overloaded; again in 12 s, try 2 of 8"


@pytest.mark.parametrize("until", [1e300, -5.0])
def test_a_service_may_name_a_moment_that_no_calendar_has(until: float) -> None:
    assert words.service(backed_off(until), 0)
    assert sentences.sentence(backed_off(until))


@pytest.mark.parametrize(
    ("spent", "said"),
    [
        (Spent(), "$0.00"),
        (Spent(usd=1.234, requests=2), "$1.23"),
        (Spent(usd=1.234, requests=2, estimated=1), "~$1.23"),
        (Spent(usd=1.234, requests=3, unpriced=1), "$1.23 + unknown"),
        (Spent(requests=1, unpriced=1, prompt_tokens=12_000, output_tokens=345), "12.3k tokens, price unknown"),
    ],
)
def test_what_is_not_known_of_the_money_is_said(spent: Spent, said: str) -> None:
    assert words.spent(spent) == said


def test_the_share_of_the_cap_is_said() -> None:
    state = folded(opened(caps=Caps(run_usd=5)), started())
    state.spent = Spent(usd=1, requests=1)
    priced = words.spent_of_cap(state)
    state.spent = Spent(usd=1, requests=2, unpriced=1)

    assert priced == "$1.00 of $5.00 (20%)"
    assert words.spent_of_cap(state) == "$1.00 + unknown of $5.00 (≥20%)"


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        ("nothing", "no proposal: it had nothing to say"),
        ("refused", "no proposal: the model refused (cyber): it had nothing to say"),
        ("truncated", "no proposal: the answer was cut (cyber): it had nothing to say"),
    ],
)
def test_an_experiment_without_a_proposal_says_how_its_turn_ended(outcome: Outcome, said: str) -> None:
    category = "" if outcome == "nothing" else "cyber"
    ended = events.TurnEnded(
        experiment=2, revision=1, outcome=outcome, detail="it had nothing to say", category=category
    )
    state = folded(opened(), started(), *proposed(2, "x")[:1], ended, *judged(2, "unproposed"))

    assert words.outcome(state.experiments[2]) == said


def test_a_proposal_of_several_changes_or_near_an_earlier_one_is_flagged() -> None:
    near = proposed(3, "y")[1].model_copy(update={"changes": 2, "nearest": 2, "distance": 0.17})
    far = near.model_copy(update={"experiment": 4, "changes": 1, "distance": 0.9})
    state = folded(
        opened(), started(), *proposed(2, "x"), *judged(2, "discarded"), *proposed(3, "y")[:1], near,
        *judged(3, "kept", 2.0), *proposed(4, "z")[:1], far,
    )  # fmt: skip

    assert words.flags(state.experiments[3], state) == ["2 changes at once", "much like #2 (discarded), distance 0.17"]
    assert words.flags(state.experiments[4], state) == []


def test_a_note_has_a_receipt() -> None:
    noted = events.Noted(note=1, text="try depth", by="anna")
    unread = folded(opened(), started(), noted)
    read = folded(
        opened(), started(), noted, *proposed(2, "x")[:1], events.NoteRead(note=1, experiment=2, where="next request")
    )

    assert words.receipt(unread.notes[1]) == "not read yet"
    assert words.receipt(read.notes[1]) == "read in #2, with its next request"


def test_a_verdict_is_said_once() -> None:
    fact = events.Judged(
        experiment=7, verdict="kept", reason="kept: 2.7310 → 2.7020, 3.6 σ better than noise", by="judge"
    )

    assert sentences.sentence(fact) == "#7 kept: 2.7310 → 2.7020, 3.6 σ better than noise"


def test_a_verdict_whose_reason_does_not_say_it_is_put_before_the_reason() -> None:
    fact = events.Judged(
        experiment=7, verdict="vetoed", reason="refused before it was applied: no such line", by="edit gate"
    )

    assert sentences.sentence(fact) == "#7 vetoed: refused before it was applied: no such line"


def test_text_from_outside_reaches_no_terminal_as_a_command() -> None:
    hostile = "better\x1b]0;owned\x07\x1b[2J\nnext line\u202ereversed\t\x9b31m"

    said = [
        sentences.sentence(fact)
        for fact in (*proposed(2, hostile), events.Warned(text=hostile), *judged(2, "crashed", reason=hostile))
    ]

    assert all(character.isprintable() for line in said for character in line)


@pytest.mark.parametrize(
    ("facts", "alive", "word"),
    [
        ((), False, "dead"),
        ((opened(),), True, "starting"),
        ((opened(), started()), True, "starting"),
        ((opened(), started(), *proposed(1, "baseline")[:1]), True, "proposing"),
        ((opened(), started(), *RUNNING[:2], asked()), True, "waiting"),
        ((opened(), started(), *RUNNING), True, "running"),
        ((opened(), started(), *RUNNING, events.Held(by="anna", experiment=2)), True, "held"),
        ((opened(), started(), *RUNNING, events.Paused(by="anna")), True, "running"),
        ((opened(), started(), *RUNNING, events.StopAsked(by="anna")), True, "stopping"),
        ((opened(), started(), *RUNNING, finished(2)), True, "evaluating"),
        ((opened(), started(), *RUNNING, *judged(2, "kept", 2.7)), True, "proposing"),
        ((opened(), started(), *RUNNING, *judged(2, "kept", 2.7), events.Paused(by="anna")), True, "paused"),
        ((opened(), started(), *RUNNING), False, "dead"),
        ((opened(), started(), *RUNNING, STOPPED), True, "stopping"),
        ((opened(), started(), *RUNNING, STOPPED), False, "stopped"),
    ],
)
def test_what_a_run_does_is_one_word_and_one_sentence(facts: tuple[AnyFact, ...], alive: bool, word: str) -> None:
    state = folded(*facts)

    assert doing.state_word(state, alive=alive) == word
    assert doing.now(state, alive=alive)


@pytest.mark.parametrize(
    ("because", "code"),
    [
        ("experiments", 0),
        ("hours", 0),
        ("target", 0),
        ("nothing_to_propose", 0),
        ("baseline_failed", 1),
        ("user_error", 1),
        ("failures", 3),
        ("no_gain", 3),
        ("person", 3),
        ("engine_failed", 4),
    ],
)
def test_each_reason_to_stop_has_its_exit_code(because: StopReason, code: int) -> None:
    assert exits.of_run(events.Stopped(because=because, detail=""), StopConditions()) == code


@pytest.mark.parametrize("asked_for", [{"experiments": 5}, {"hours": 1}, {"target": 2.5}])
def test_a_script_that_ends_before_what_was_asked_for_stopped_short(asked_for: dict[str, float]) -> None:
    stopped = events.Stopped(because="nothing_to_propose", detail="")

    assert exits.of_run(stopped, StopConditions.model_validate(asked_for)) == exits.Exit.STOPPED_SHORT


@pytest.mark.parametrize(("signal", "code"), [(2, 130), (15, 143)])
def test_a_signal_is_in_the_exit_code(signal: int, code: int) -> None:
    assert exits.of_run(events.Stopped(because="signal", detail="", signal=signal), StopConditions()) == code


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-1, "0.0 s"), (0.25, "0.2 s"), (59, "59 s"), (61, "1 min 01 s"), (3599, "59 min 59 s"), (7500, "2 h 05 min")],
)
def test_a_length_of_time_is_said_in_its_two_greatest_units(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "–"), (0.0, "0.0000"), (2.70199, "2.7020"), (0.00123, "0.00123"), (123456.0, "1.235e+05")],
)
def test_a_number_has_the_digits_that_matter(value: float | None, said: str) -> None:
    assert words.number(value) == said


def test_the_best_is_compared_with_the_baseline() -> None:
    state = folded(
        opened(), started(), *proposed(1, "b"), *judged(1, "kept", 2.0), *proposed(2, "x"), *judged(2, "kept", 1.9)
    )
    classic = folded(
        opened(keep="improve"), started(), *proposed(1, "b"), *judged(1, "kept", 2.0), *proposed(2, "x"),
        *judged(2, "kept", 1.9),
    )  # fmt: skip

    assert certainty.best(state) == "#2 with 1.9000 provisional; confirmed: #1 with 2.0000"
    assert certainty.best(classic) == "#2 with 1.9000, 0.1000 (5.00%) better than the baseline's 2.0000"
    assert certainty.counts(state) == "2 experiments: 2 kept (1 provisional)"


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("apply", "loopwatch approve made-1 (or: veto, send-back -m WHY, amend --diff FILE)"),
        ("tool", "loopwatch allow made-1 (or: deny -m WHY)"),
        ("run", "loopwatch let-run made-1 (or: abort)"),
        ("verdict", "loopwatch accept made-1 (or: keep, discard, one-more)"),
    ],
)
def test_a_gate_says_how_to_answer_it(gate: str, said: str) -> None:
    state = folded(opened(), started(), *RUNNING, asked(gate))

    assert state.waiting
    assert doing.to_answer(state.waiting, "made-1") == said
