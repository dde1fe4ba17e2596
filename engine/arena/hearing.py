"""Test agents are heard: each is asked for tests, and the valid ones may enter the suite.

    TestsProposed → TestsWeighed

Both are durable before anything follows from them, so that after a crash nobody is asked twice and nothing is weighed twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from random import Random as Dice

from ..agent_events import TestCase, TestsProposed, TestsWeighed
from ..agents.forms import Test, Told
from ..credentials import redact
from ..errors import NothingToPropose, ProposerFailed
from ..lab import Lab
from ..lineage import Proposals, Round
from ..suites import read
from .weighing import NO_WORD, Sieve, Weighed, answered, asked, is_plain, refuse_all

SHOWN = 40
"""Tests of the suite that an agent is told, and of those that the best fails."""


class Hearing:
    """The test agents of one run's arena."""

    def __init__(self, lab: Lab, *, wanted: int, most: int) -> None:
        """`wanted` tests are asked of each, and the suite may have `most`."""
        self._lab, self._wanted, self._most = lab, wanted, most

    def samples(self, seed: str) -> list[Told]:
        """Some tests of the suite, for an agent."""
        return self._told(self._lab.suites.tests(self._lab.state.lineage), seed)

    async def hear(self, name: str, round_: Round) -> None:
        """Ask an agent for tests, once in a round, and weigh them."""
        if name not in round_.tests:
            self._lab.crew.journal.append(await self._proposed(name, round_.number))
        if round_.tests[name].weighed is None:
            self._lab.crew.journal.append(await self._weighed(name, round_.tests[name]))

    async def _proposed(self, name: str, number: int) -> TestsProposed:
        crew, state = self._lab.crew, self._lab.state
        assert state.last is not None, "there is a baseline before there is a round"
        # Agents with the same code are told the same; what differs between them is what they draw.
        own = int(name.rpartition("-")[2])
        brief = replace(crew.brief(state.last), seed=crew.config.seed * 1009 + own)
        sitting = crew.sitting(brief, "tester")
        seed = f"{brief.seed}/{number}"
        try:
            said = await crew.live(name).propose_tests(
                brief,
                sitting,
                tests=self.samples(seed),
                failed=self._told(self._failed(), seed),
                wanted=self._wanted,
            )
        except (ProposerFailed, NothingToPropose) as failure:
            return TestsProposed(round=number, agent=name, problem=redact(str(failure)))
        finally:
            crew.end(sitting)
        return _proposed(name, number, said, self._wanted)

    def _failed(self) -> list[TestCase]:
        """The tests of the suite that the best fails at least in part."""
        best, tests = self._lab.state.best_experiment, self._lab.suites.tests(self._lab.state.lineage)
        if best is None or len(best.scores) != len(tests):
            return []
        return [test for test, score in zip(tests, best.scores, strict=True) if score < 1]

    def _told(self, tests: Sequence[TestCase], seed: str) -> list[Told]:
        shown = sorted(Dice(seed).sample(range(len(tests)), min(SHOWN, len(tests))))
        return [tests[place].model_dump() for place in shown]

    async def _weighed(self, name: str, proposals: Proposals) -> TestsWeighed:
        lab, lineage, tests = self._lab, self._lab.state.lineage, proposals.proposed.tests
        found = Weighed()
        sieve = Sieve([*read(lab.suites.original), *lineage.admitted], lineage.refused, self._most)
        if left := asked(tests, sieve, found):
            outcome = await lab.check_tests(left)
            if outcome.ok:
                answered(left, outcome.tail.decode("utf-8", "replace"), sieve, found)
            else:
                refuse_all(left, f"{NO_WORD}came to nothing ({outcome.ended.reason.replace('_', ' ')})", found)
        scores = await self._scores(found.admitted)
        return TestsWeighed(
            round=proposals.proposed.round,
            agent=name,
            admitted=tuple(found.admitted),
            refused=tuple(found.refused),
            breaks=sum(score < 1 for score in scores),
            lost=sum(1 - score for score in scores),
        )

    async def _scores(self, admitted: Sequence[TestCase]) -> Sequence[float]:
        """How the best does on the new ones; what it comes to no number on, it fails."""
        best = self._lab.state.best_experiment
        if not admitted or best is None:
            return ()
        scores = await self._lab.tried(best, admitted)
        return scores if len(scores) == len(admitted) else [0.0] * len(admitted)


def _proposed(name: str, number: int, said: Sequence[Test], wanted: int) -> TestsProposed:
    made = [TestCase(input=test.input, expected=test.expected, why=redact(test.why)) for test in said[:wanted]]
    plain = [test for test in made if is_plain(test)]
    problems = [
        f"it proposed {len(said)}, of which the first {wanted} count" if len(said) > wanted else "",
        f"{len(made) - len(plain)} could not be written down" if len(plain) < len(made) else "",
    ]
    return TestsProposed(round=number, agent=name, tests=tuple(plain), problem="; ".join(filter(None, problems)))
