"""What a viewer may ask of an engine: one row in the ledger's inbox each. Pure.

An answer to a gate names the ask and the digest of what the person saw; the engine refuses it when either is stale.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from .config import Caps, PolicyText
from .events import Answer, Mechanism
from .policy import Gate


class Command(BaseModel):
    """Something that somebody asked for."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reply(Command):
    """The answer to a gate."""

    kind: Literal["reply"] = "reply"
    ask: str | None = None
    """None: whatever waits at the named gate (the command line may say so; the screen never does)."""
    gate: Gate
    answer: Answer
    digest: str | None = None
    reason: str = ""
    diff: str = ""
    """With answer = "amend": the diff instead, or at the tool gate the detail instead."""


class Abort(Command):
    """Stop the running experiment; it counts as not kept."""

    kind: Literal["abort"] = "abort"
    experiment: int | None = None
    reason: str = ""


class Pause(Command):
    """Finish this experiment, start no more."""

    kind: Literal["pause"] = "pause"


class Hold(Command):
    """Stop the running experiment where it is."""

    kind: Literal["hold"] = "hold"


class Resume(Command):
    """End a pause or a hold."""

    kind: Literal["resume"] = "resume"


class Stop(Command):
    """End the run: after this experiment, or at once."""

    kind: Literal["stop"] = "stop"
    now: bool = False
    signal: int | None = None


class Note(Command):
    """Tell the proposer something."""

    kind: Literal["note"] = "note"
    text: str


class Mute(Command):
    """Keep what the reviewer says out of the briefs, or let it in again."""

    kind: Literal["mute"] = "mute"
    muted: bool = True


class Explain(Command):
    """Say whether an experiment's mechanism is what happened."""

    kind: Literal["explain"] = "explain"
    experiment: int
    mechanism: Mechanism
    theory: str = ""


class SetPolicy(Command):
    """Change a gate's policy from now on."""

    kind: Literal["set_policy"] = "set_policy"
    gate: Gate
    policy: PolicyText


class SetCaps(Command):
    """Change how much may be spent from now on; a cap that is not named stays as it is."""

    kind: Literal["set_caps"] = "set_caps"
    caps: Caps


class RestoreAgent(Command):
    """Let an earlier generation of the agent work again."""

    kind: Literal["restore_agent"] = "restore_agent"
    agent: str


class Trust(Command):
    """Let the forecaster act from now on, proved or not."""

    kind: Literal["trust"] = "trust"


AnyCommand = Annotated[
    Reply | Abort | Pause | Hold | Resume | Stop | Note | Mute | Explain | SetPolicy | SetCaps | Trust | RestoreAgent,
    Field(discriminator="kind"),
]

_COMMANDS: TypeAdapter[AnyCommand] = TypeAdapter(AnyCommand)


def read(body: str) -> AnyCommand:
    """A command from its JSON; pydantic's ValidationError when it is none."""
    return _COMMANDS.validate_json(body)
