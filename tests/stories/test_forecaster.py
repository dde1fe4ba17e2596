"""The forecaster in whole runs: in shadow, trusted, audited, asked about, overruled, switched off, and killed in between.

The experiments print a curve and nothing else of interest. What is hopeless here has a hundred times the best one's loss from
beginning to end, after ten that were watched to theirs: whoever forecasts, that one is not worth its time.
"""

from itertools import count, islice
from typing import Any

import pytest

from loopwatch.engine.commands import Abort, SetPolicy, Trust
from loopwatch.engine.events import (
    AbortSuggested,
    Asked,
    AttemptLost,
    Decided,
    Finished,
    ForecasterTrusted,
    Started,
    Warned,
)
from tests.waiting import until

from .story import Story, change

GOOD = "3 - 2 * t"
HOPELESS = "300 - 200 * t"
LATE = "3 if t < 0.6 else 3 - 4 * (t - 0.6)"
NO_NUMBER = "'nan'"

LAST = 12
"""The experiment that a story is about: after the baseline and the ten that practise."""


def curve(loss: str, *waits: int, meanwhile: str = "pass") -> str:
    """Print a loss at each of forty steps; after the steps in `waits`, wait for `go_on` and do something meanwhile."""
    return f"""
import time
for step in range(1, 41):
    t = step / 40
    print(f"step {{step}}/40 loss: {{{loss}}}", flush=True)
    while step in {waits} and not (out / f"go-{{step}}").exists():
        time.sleep(0.01)
        {meanwhile}
"""


def practice(loss: str = GOOD) -> list[dict[str, Any]]:
    """Ten that are better each time, so that nobody would abort one of them."""
    return [change(1 + n / 10, curve(f"({loss}) * (1 - {n} / 100)")) for n in range(1, 11)]


def begin(
    story: Story, last: str, *more: dict[str, Any], policy: str = "auto", trust: bool = True, **settings: Any
) -> None:
    """A run whose last experiment does `last`; its score would be the best one's."""
    script = [*settings.pop("practice", practice()), change(5.0, last), *more]
    stop = settings.pop("stop", {"experiments": len(script) + 1})
    story.begin(script, gates={"run": policy}, stop=stop, **{"audit": 0.0, **settings})
    if trust:
        assert story.ask(Trust()).ok


def go_on(story: Story, step: int = 20, *, experiment: int = LAST) -> None:
    """Wait until the engine knows of a step, after which the experiment waits, and let it go on."""
    until(lambda: len(story.viewer.points(experiment)) == step)
    (story.run.folder / "out" / f"{experiment:04d}-1" / f"go-{step}").touch()


def test_in_shadow_nothing_is_aborted_and_what_would_have_been_is_a_fact(story: Story) -> None:
    begin(story, curve(HOPELESS, 20), trust=False)

    go_on(story)
    story.ends()

    suggested = story.all(AbortSuggested, experiment=LAST)
    assert [(fact.mode, fact.forecaster, fact.attempt) for fact in suggested] == [("shadow", "learned", 1)]
    assert not story.all(Decided, experiment=LAST, gate="run")
    assert (story.verdict(LAST).verdict, story.state.best) == ("kept", LAST)


def test_the_policy_shadow_holds_back_even_one_that_is_trusted(story: Story) -> None:
    begin(story, curve(HOPELESS, 20), policy="shadow")

    go_on(story)
    story.ends()

    assert story.all(AbortSuggested, experiment=LAST)[0].mode == "shadow"
    assert story.verdict(LAST).verdict == "kept"


@pytest.mark.parametrize("forecaster", ["learned", "power-law", "best-curve", "halving", "median"])
def test_once_trusted_it_aborts_the_hopeless_and_the_verdict_says_why(story: Story, forecaster: str) -> None:
    begin(story, curve(HOPELESS, 1, 20), forecaster=forecaster, policy="shadow", stop={"no_gain": 1})

    until(lambda: story.viewer.points(LAST))
    story.ask(SetPolicy(gate="run", policy="auto"))
    go_on(story, 1)
    stopped = story.ends()

    suggested, verdict = story.all(AbortSuggested, experiment=LAST)[0], story.verdict(LAST)
    assert (suggested.mode, suggested.forecaster) == ("acts", forecaster)
    assert story.all(Decided, experiment=LAST, gate="run")[0].answer == "abort"
    assert verdict.verdict == "aborted"
    assert verdict.reason.endswith(f"{suggested.reason}; aborted by policy auto")
    assert (story.state.best, stopped.because) == (LAST - 1, "no_gain")


def test_an_aborted_experiment_keeps_its_curve_and_its_log_and_moves_no_branch(story: Story) -> None:
    begin(story, curve(HOPELESS, 20))

    story.ends()

    assert [point.loss for point in story.viewer.points(LAST)] == [300 - 5 * step for step in range(1, 21)]
    assert b"step 20/40 loss: 200" in story.log_of(LAST)
    assert [kept["Loopwatch-Experiment"] for kept in story.branch()][-1] == str(LAST - 1)
    assert story.remembered(LAST)["Loopwatch-Verdict"] == "aborted"


def test_its_whole_process_tree_is_gone_at_once(story: Story) -> None:
    child = "import subprocess; subprocess.Popen(['sleep', '300'], start_new_session=True)"
    begin(story, f"{child}\n{curve(HOPELESS, 20)}", change(6.0, curve(GOOD, 1)))

    story.sees(Started, experiment=LAST + 1)
    left = [words for words in story.processes().values() if f"{LAST:04d}-1" in words or "sleep" in words]
    story.ask(Abort())
    story.ends()

    at = {entry.fact.kind: entry.at for entry in story.entries if getattr(entry.fact, "experiment", None) == LAST}
    decided = next(entry.at for entry in story.entries if entry.fact in story.all(Decided, experiment=LAST, gate="run"))
    assert not left
    assert at["finished"] - decided < 10
    assert story.all(Finished, experiment=LAST)[0].reason == "aborted"


def test_while_a_person_is_asked_it_trains_on_and_may_be_let_run(story: Story) -> None:
    begin(story, curve(HOPELESS, 20, meanwhile="(out / 'beat').write_text(str(time.monotonic()))"), policy="ask")

    asked = story.waits("run", LAST)
    beat = story.run.folder / "out" / f"{LAST:04d}-1" / "beat"
    before = until(lambda: beat.exists() and beat.read_text())
    until(lambda: beat.read_text() not in ("", before))
    let = story.reply("run", LAST, "let_run", reason="I am curious")
    go_on(story)
    story.ends()

    suggested = story.all(AbortSuggested, experiment=LAST)
    assert (asked.question, asked.suggestion) == (f"abort suggested: {suggested[0].reason}", "abort")
    assert let.answer == f"let run #{LAST}"
    assert len(suggested) == len(story.all(Asked, gate="run")) == 1
    assert len(story.viewer.points(LAST)) == 40
    assert story.verdict(LAST).verdict == "kept"


def test_a_person_who_is_asked_may_say_abort(story: Story) -> None:
    begin(story, curve(HOPELESS, 20), policy="ask")

    aborted = story.reply("run", LAST, "abort", reason="so do I think")
    story.ends()

    assert aborted.answer == f"aborted #{LAST}"
    assert story.verdict(LAST).reason.endswith("aborted by anna: so do I think")


def test_silence_until_the_deadline_lets_it_run_where_the_policy_says_so(story: Story) -> None:
    begin(story, curve(HOPELESS, 20), policy="ask:0.2=veto")

    decided = story.sees(Decided, experiment=LAST, gate="run")
    go_on(story)
    story.ends()

    assert (decided.answer, decided.by) == ("let_run", "policy ask:0.2=veto")
    assert story.verdict(LAST).verdict == "kept"


def test_a_person_may_abort_what_the_forecaster_likes(story: Story) -> None:
    begin(story, curve("2 - 1.9 * t", 20))

    until(lambda: len(story.viewer.points(LAST)) == 20)
    story.ask(Abort(experiment=LAST))
    story.ends()

    assert not story.all(AbortSuggested, experiment=LAST)
    assert story.verdict(LAST).verdict == "aborted"
    assert story.verdict(LAST).reason.endswith("aborted by anna")


def test_what_is_audited_runs_to_its_end_and_shows_whether_the_forecaster_was_right(story: Story) -> None:
    begin(story, curve(HOPELESS, 20), audit=1.0)

    go_on(story)
    story.ends()

    assert story.all(AbortSuggested, experiment=LAST)[0].mode == "audit"
    assert not story.all(Decided, experiment=LAST, gate="run")
    assert story.verdict(LAST).verdict == "kept"


def test_switched_off_it_looks_at_nothing_and_ends_nothing(story: Story) -> None:
    begin(story, curve(HOPELESS, 20), policy="off")

    go_on(story)
    story.ends()

    assert story.verdicts[LAST - 1] == "kept"
    assert not story.all(AbortSuggested)
    assert not any(story.viewer.looks(number) for number in story.state.experiments)


@pytest.mark.parametrize(("policy", "modes"), [("off", []), ("shadow", ["shadow"])])
def test_a_policy_that_changes_while_it_trains_holds_at_once(story: Story, policy: str, modes: list[str]) -> None:
    begin(story, curve(HOPELESS, 1, 20))

    until(lambda: story.viewer.points(LAST))
    story.ask(SetPolicy.model_validate({"gate": "run", "policy": policy}))
    go_on(story, 1)
    go_on(story, 20)
    story.ends()

    assert [fact.mode for fact in story.all(AbortSuggested, experiment=LAST)] == modes
    assert story.verdict(LAST).verdict == "kept"


def test_every_look_is_kept_with_what_it_expected(story: Story) -> None:
    begin(story, curve(HOPELESS, 20), trust=False)

    go_on(story)
    story.ends()

    looks = story.viewer.looks(LAST)
    first = next(look for look in looks if look.abort)
    suggested = story.all(AbortSuggested, experiment=LAST)[0]
    assert (first.share, first.p_better, first.reason) == (suggested.share, suggested.p_better, suggested.reason)
    assert first.p_better < first.abort_below
    assert all(0 <= look.p_better <= 1 and 0 < look.share < 1 for look in looks)
    assert not story.viewer.looks(1)


def test_a_killed_engine_leaves_the_trust_and_asks_again_about_the_next_attempt(story: Story) -> None:
    begin(story, curve(HOPELESS, 20), policy="ask")

    story.waits("run", LAST)
    story.kill()
    until(lambda: not story.processes())
    story.start()
    story.sees(AttemptLost, experiment=LAST)
    story.sees(Asked, experiment=LAST, ask=f"{LAST}-run-2")
    trusted_by = story.state.trusted_by
    story.reply("run", LAST, "abort")
    story.ends()

    assert trusted_by == "anna"
    assert [(fact.attempt, fact.mode) for fact in story.all(AbortSuggested)] == [(1, "acts"), (2, "acts")]
    assert len(story.all(ForecasterTrusted)) == 1
    assert story.verdict(LAST).verdict == "aborted"


def test_a_curve_that_is_flat_and_drops_late_survives_among_its_like(story: Story) -> None:
    begin(story, curve(f"({LATE}) * 0.85", 20), practice=practice(LATE))

    go_on(story)
    story.ends()

    assert not story.all(AbortSuggested)
    assert story.verdict(LAST).verdict == "kept"


@pytest.mark.parametrize("policy", ["auto", "ask:0=approve"])
def test_a_loss_that_is_no_number_is_ended_though_the_forecaster_is_in_shadow(story: Story, policy: str) -> None:
    begin(story, curve(NO_NUMBER, 20), policy=policy, practice=[], trust=False)

    story.ends()

    verdict = story.verdict(2)
    assert verdict.verdict == "aborted"
    assert "the loss was not a finite number in the last " in verdict.reason


@pytest.mark.parametrize("policy", ["shadow", "off"])
def test_nothing_is_ended_by_policy_when_the_gate_is_in_shadow_or_off(story: Story, policy: str) -> None:
    begin(story, curve(NO_NUMBER, 20), policy=policy, practice=[])

    go_on(story, experiment=2)
    story.ends()

    assert story.verdicts == ["kept", "kept"]
    assert not story.all(Decided, gate="run")


def test_the_seconds_between_looks_are_the_budget_s(story: Story) -> None:
    toml = story.make_task() / "task.toml"
    budget = 'kind = "wall_seconds"\namount = 1'
    text = (
        toml.read_text()
        .replace('kind = "steps"\namount = 1', budget)
        .replace("grace_seconds = 0", "grace_seconds = 30")
    )
    toml.write_text(text)
    tick = "import time\nfor step in range(90):\n    print(f'step {step} loss: 2', flush=True)\n    time.sleep(0.01)"
    begin(story, tick, practice=[], check_seconds=0.25)

    story.ends()

    quarters = [int(look.share / 0.25) for look in story.viewer.looks(2)]
    assert quarters
    assert quarters == sorted({*quarters} & {1, 2, 3})


def test_it_proves_itself_on_the_run_s_own_experiments_and_acts_from_then_on(story: Story) -> None:
    bad = (change(number / 1000, curve(HOPELESS)) for number in count(1))
    mixed = [step for good in practice() for step in (good, next(bad))]
    waits = change(5.0, curve(HOPELESS, 20))
    story.begin([*mixed, *islice(bad, 20), waits], audit=0.0, stop={"experiments": 42})

    trusted = story.sees(ForecasterTrusted)
    story.ends()

    assert trusted.by == "its back-test"
    assert trusted.why.startswith("proven: back-test on ")
    assert story.verdicts[-1] == "aborted"
    assert not story.all(Warned, once="")


def test_trust_that_was_given_is_not_given_twice(story: Story) -> None:
    begin(story, curve(HOPELESS, 20), policy="ask")

    story.waits("run", LAST)
    again = story.ask(Trust())
    story.reply("run", LAST, "abort")
    story.ends()

    assert (again.ok, again.answer) == (False, "it may act already, since anna let it")
    assert [fact.by for fact in story.all(ForecasterTrusted)] == ["anna"]
