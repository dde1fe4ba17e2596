"""A second model that reads all of a run's history and says what it makes of an experiment: advice, never a verdict.

Whatever goes wrong with it is said once, and stops nothing. It waits for no limit, and what it costs is in the books.
"""

import asyncio
import sys
import traceback
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from . import rules_review
from .books import Books
from .config import AgentSettings, RunConfig
from .credentials import redact
from .errors import Blocked, LedgerError, ProposerFailed, UserError
from .events import Reviewed, Warned
from .journal import Journal
from .line import Line
from .models import Answer, Model, Talk, Tool, Turned
from .models.asking import ask
from .prompt import quote
from .prompt.brief import Prompt
from .prompt.briefing import end_of_log
from .prompt.diagnostics import diagnostics, told_curve
from .prompt.dossier import TOKENS, dossier
from .registry import DEFAULT_MODELS, REVIEWERS, find
from .state import Experiment

OUTPUT_TOKENS = 8000
ATTEMPTS = 3
PATIENCE_SECONDS = 60
"""How long a review may wait for a service, all its waits together: the loop has better things to do."""
FOR_GOOD = frozenset({"bad_key", "settings", "crashed"})
"""What does not mend by itself: then nobody is asked again before the run is taken up anew."""

TOOL = Tool(
    "review_experiment",
    "Say what you make of the experiment. Call it once; it is your answer.",
    {
        "type": "object",
        "properties": {
            "issue_type": {"type": "string", "description": "The kind of issue, in a few words; none when there is none."},
            "severity": {"type": "string", "enum": ["low", "medium", "high"], "description": "How much it holds the loop back."},
            "fix_suggestion": {"type": "string", "description": "The one change that should be made next, and why."},
            "confidence": {"type": "number", "description": "How sure you are, from 0 to 1."},
            "pattern_detected": {
                "type": "string",
                "description": "What repeats over several experiments, with their numbers; empty when nothing does.",
            },
        },
        "required": ["issue_type", "severity", "fix_suggestion", "confidence", "pattern_detected"],
        "additionalProperties": False,
    },
)  # fmt: skip


class Review(BaseModel):
    """What a reviewer has to say."""

    model_config = ConfigDict(extra="forbid")

    issue_type: str = Field(min_length=1)
    severity: Literal["low", "medium", "high"]
    fix_suggestion: str = Field(min_length=1)
    confidence: float = Field(ge=0, le=1)
    pattern_detected: str


class Reviewer:
    """Reviews experiments with a model."""

    def __init__(self, *, config: RunConfig, journal: Journal, books: Books, run_dir: Path) -> None:
        """The reviewer that the run's settings name."""
        self._config, self._journal, self._books, self._run_dir = config, journal, books, run_dir
        self._settings = _settings(config)
        self._curve = cache(self._read_curve)
        self._warned: set[str] = set()
        """What went wrong since the last review."""

    async def review(self, experiment: Experiment) -> None:
        """Ask the model about a settled experiment, and write down what it says; not while a person mutes it."""
        if self._journal.state.muted_by or self._warned & FOR_GOOD:
            return
        try:
            self._journal.append(await self._reviewed(experiment))
            self._warned.clear()
        except ProposerFailed as failure:
            self._warn(experiment, failure.outcome, str(failure))
        except Blocked as block:
            self._warn(experiment, block.because, str(block))
        except UserError as error:
            self._warn(experiment, "settings", str(error))
        except LedgerError:
            raise
        except Exception as error:
            # A border: advice that fails must not end a run.
            print(redact(traceback.format_exc()), file=sys.stderr, flush=True)
            self._warn(experiment, "crashed", f"{type(error).__name__}: {error}")

    async def _reviewed(self, experiment: Experiment) -> Reviewed:
        provider, _, name = self._config.reviewer.partition(":")
        if provider == rules_review.NAME:
            return self._by_rules(experiment)
        name = name or DEFAULT_MODELS.get(provider, "")
        # Importing a provider's package, or asking a server which model it has, takes a while.
        model: Model = await asyncio.to_thread(lambda: find(provider, REVIEWERS)(name, self._settings))
        line = _Hurried(experiment.number, "reviewer", journal=self._journal, books=self._books)
        line.hear("notice", f"\n{model.name} reviews #{experiment.number}\n")
        try:
            try:
                return await self._talk(experiment, model, line, limit=TOKENS)
            except ProposerFailed as failure:
                if failure.outcome != "too_long":
                    raise
                line.hear("notice", f"\n{failure}; asking again with half of the history\n")
                return await self._talk(experiment, model, line, limit=TOKENS // 2)
        finally:
            line.close()
            self._journal.flush()
            await model.close()

    def _by_rules(self, experiment: Experiment) -> Reviewed:
        found = rules_review.advice(self._journal.state, experiment)
        return Reviewed(
            experiment=experiment.number,
            by=rules_review.NAME,
            issue_type=found.issue_type,
            severity=found.severity,
            fix_suggestion=found.fix_suggestion,
            confidence=found.confidence,
            pattern_detected=found.pattern_detected,
            hints=dict(found.hints),
        )

    async def _talk(self, experiment: Experiment, model: Model, line: Line, *, limit: int) -> Reviewed:
        prompt = self._prompt(experiment, limit)
        talk = Talk(prompt)
        answer = await ask(model, lambda: talk, TOOL, line, self._settings)
        try:
            review = _read(answer, model.name)
        except ValueError as problem:
            line.hear("notice", f"\nasked again: {problem}\n")
            again = Talk(prompt, (Turned(answer, str(problem)),))
            answer = await ask(model, lambda: again, TOOL, line, self._settings)
            review = _read_or_fail(answer, model.name)
        return Reviewed(
            experiment=experiment.number,
            by=model.name,
            issue_type=_told(review.issue_type, 100),
            severity=review.severity,
            fix_suggestion=_told(review.fix_suggestion, 1000),
            confidence=review.confidence,
            pattern_detected=_told(review.pattern_detected, 600),
            digest=prompt.digest,
        )

    def _prompt(self, experiment: Experiment, limit: int) -> Prompt:
        state, telemetry = self._journal.state, self._journal.telemetry
        telemetry.flush()
        ran = diagnostics(state, telemetry.points, lambda one: end_of_log(self._run_dir, one))
        prompt = dossier(
            state, experiment, curve=lambda one: self._curve(one.number, one.attempt), ran=ran, limit=limit
        )
        folder = self._run_dir / "briefs"
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / f"{prompt.digest}.txt").write_text(prompt.text, encoding="utf-8")
        return prompt

    def _read_curve(self, number: int, attempt: int) -> str:
        points = [point for point in self._journal.telemetry.points(number) if point.attempt == attempt]
        return "; ".join(told_curve(points, self._journal.state.budget))

    def _warn(self, experiment: Experiment, cause: str, why: str) -> None:
        """Once for each cause, until there is a review again."""
        if cause in self._warned:
            return
        self._warned.add(cause)
        later = (
            "it is not asked again before the run is resumed" if cause in FOR_GOOD else "it is asked again next time"
        )
        text = f"no review of #{experiment.number} by {self._config.reviewer}: {redact(quote.line(why, 600))}; {later}"
        self._journal.append(Warned(text=text, experiment=experiment.number))


class _Hurried(Line):
    """A line on which nobody waits for long."""

    _waited = 0.0

    async def back_off(self, why: str, seconds: float, *, attempt: int, attempts: int | None) -> None:
        """See `turn.Line`."""
        self._waited += seconds
        if self._waited > PATIENCE_SECONDS:
            raise ProposerFailed(f"{why}; a review does not wait for that", "unavailable")
        await super().back_off(why, seconds, attempt=attempt, attempts=attempts)


def _settings(config: RunConfig) -> AgentSettings:
    """How to talk to the reviewer: as to the proposer, but for what is about the proposer's own model."""
    agent, proposer, reviewer = config.agent, config.proposer.partition(":")[0], config.reviewer.partition(":")[0]
    elsewhere = proposer in REVIEWERS and proposer != reviewer
    return AgentSettings(
        output_tokens=min(agent.output_tokens, OUTPUT_TOKENS),
        base_url=None if elsewhere else agent.base_url,
        attempts=min(agent.attempts, ATTEMPTS),
        wait_seconds=agent.wait_seconds,
        silence_seconds=agent.silence_seconds,
    )


def _read(answer: Answer, name: str) -> Review:
    """The review in an answer; ValueError, in words for the model, when it has none that can be used."""
    why = f": {answer.detail}" if answer.detail else ""
    match answer.stop:
        case "refused":
            raise ProposerFailed(f"{name} refused{why}", "refused", category=answer.category)
        case "truncated":
            raise ProposerFailed(f"the answer of {name} was cut{why}", "truncated")
        case "too_long":
            raise ProposerFailed(f"the prompt is too long for {name}{why}", "too_long")
    if answer.call is None:
        raise ValueError(f"there is no review; call {TOOL.name} once")
    if answer.call.problem:
        raise ValueError(answer.call.problem)
    try:
        return Review.model_validate(answer.call.input)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()[:5])
        raise ValueError(f"the input of {TOOL.name} is not as its schema says: {'; '.join(wrong)}") from None


def _read_or_fail(answer: Answer, name: str) -> Review:
    try:
        return _read(answer, name)
    except ValueError as problem:
        raise ProposerFailed(f"{name} said nothing that can be used, asked twice: {problem}", "invalid") from None


def _told(text: str, limit: int) -> str:
    return redact(quote.line(text, limit))
