"""A gate: who may say yes, and what happens if nobody answers. It fails closed.

The gate writes `Asked`, waits for a person's reply (which the supervisor's inbox checks, records as `Decided` and hands over
here) or for its deadline, and returns the decision. After a restart an open ask is asked again under the same id.
"""

import asyncio
import time

from .events import Answer, Asked, Decided, Verdict
from .journal import Journal
from .policy import Gate, Occasion, parse
from .state import Waiting

ANSWERS: dict[Gate, tuple[Answer, ...]] = {
    "tool": ("allow", "deny", "amend"),
    "apply": ("approve", "veto", "amend", "send_back"),
    "run": ("let_run", "abort"),
    "verdict": ("accept", "keep", "discard", "one_more"),
    "rewrite": ("allow", "deny"),
}

_SILENCE: dict[Gate, dict[str, Answer]] = {
    "tool": {"approve": "allow", "veto": "deny"},
    "apply": {"approve": "approve", "veto": "veto"},
    "run": {"approve": "abort", "veto": "let_run"},
    "verdict": {"approve": "accept", "veto": "discard"},
    "rewrite": {"approve": "allow", "veto": "deny"},
}
"""What a policy's approve and veto mean at each gate. A veto of a suggested abort lets the experiment run."""


class Gates:
    """The gates of a run."""

    def __init__(self, journal: Journal) -> None:
        """Gates that write their facts to `journal`."""
        self._journal = journal
        self._reply: asyncio.Future[Decided] | None = None
        self._last_reply: Decided | None = None

    async def decide(
        self,
        gate: Gate,
        experiment: int,
        *,
        question: str,
        occasion: Occasion,
        detail: str = "",
        digest: str = "",
        suggestion: Answer,
        name: str = "",
        always: bool = False,
        agent: str = "",
    ) -> Decided:
        """Ask a person or the policy; returns once the decision is in the ledger.

        suggestion  what happens when the policy does not ask
        name        of this question, where a gate asks several in one revision or attempt
        always      ask, whatever the policy
        agent       the new version of an agent that a rewrite is about
        """
        policy = parse(self._journal.state.gates[gate])
        name = name or self._name(gate, experiment)
        if not always and not policy.asks_about(occasion):
            # The policy may have changed since a killed engine asked; then this answers that.
            ask = name if self._is_open(name) else None
            by = f"policy {policy.text}"
            fact = Decided(
                ask=ask, experiment=experiment, gate=gate, answer=suggestion, by=by, digest=digest, agent=agent
            )
            self._journal.append(fact)
            return fact
        return await self._ask(
            Asked(
                ask=name,
                experiment=experiment,
                gate=gate,
                question=question,
                detail=detail,
                digest=digest,
                policy=policy.text,
                seconds=policy.seconds,
                on_silence=_SILENCE[gate][policy.on_silence] if policy.seconds is not None else None,
                suggestion=suggestion,
                agent=agent,
            )
        )

    def replied(self, decided: Decided) -> None:
        """Hand over a person's decision that is in the ledger already."""
        self._last_reply = decided
        if self._reply and not self._reply.done():
            self._reply.set_result(decided)

    def _is_open(self, ask: str) -> bool:
        waiting = self._journal.state.waiting
        return waiting is not None and waiting.asked.ask == ask

    def _name(self, gate: Gate, experiment: int) -> str:
        e = self._journal.state.experiments[experiment]
        return f"{experiment}-{gate}-{e.revision if gate == 'apply' else e.attempt}"

    async def _ask(self, asked: Asked) -> Decided:
        waiting = self._journal.state.waiting
        if waiting is None or waiting.asked != asked:
            self._journal.append(asked)
            waiting = self._journal.state.waiting
        self._reply = asyncio.get_running_loop().create_future()
        try:
            left = _seconds_left(waiting)
            async with asyncio.timeout(left):
                return await self._reply
        except TimeoutError:
            # A person's answer may have come in the very moment. It is in the ledger, so it counts.
            if self._last_reply and self._last_reply.ask == asked.ask:
                return self._last_reply
            assert asked.on_silence is not None, "only a policy with a deadline times out"
            reason = f"nobody answered for {asked.seconds:g} s"
            fact = Decided(
                ask=asked.ask, experiment=asked.experiment, gate=asked.gate, answer=asked.on_silence, by=f"policy {asked.policy}",
                reason=reason, digest=asked.digest, agent=asked.agent,
            )  # fmt: skip
            self._journal.append(fact)
            return fact
        finally:
            self._reply = None


def _seconds_left(waiting: Waiting | None) -> float | None:
    """Until silence is the answer; a clock that was set back since makes nobody wait longer than the policy says."""
    if waiting is None or waiting.deadline is None or waiting.asked.seconds is None:
        return None
    return min(waiting.asked.seconds, max(0.0, waiting.deadline - time.time()))


def override(answer: Answer, judged: Verdict) -> Verdict:
    """The verdict after a person spoke at the verdict gate."""
    match answer:
        case "keep":
            return "kept"
        case "discard":
            return "discarded" if judged == "kept" else judged
        case _:
            return judged
