"""Everything that loopwatch raises on purpose.

LoopwatchError
├── UserError             something the user wrote, named or owns has to change (exit code 1)
│   ├── TaskError         a task folder
│   ├── ConfigError       a run's settings
│   ├── RunNotFound       a run that is not there
│   ├── StateFolderError  the folder that runs are kept in
│   └── RepositoryError   the user's git repository
├── RunInUse              a second engine on one run
├── EditRefused           a proposal that may not be applied
├── ArtefactRefused       what an experiment saved may not be measured
├── NothingToPropose      a proposer has come to its end
├── ProposerFailed        a proposer could not propose this time
├── AgentFailed           an agent's own source code did not do what it is for
├── Blocked               nobody can propose until a person has mended something
├── WorkspaceError        the run's private repository is not as the engine left it
└── LedgerError           the ledger cannot be read or written

Each message says what happened, to what, and what to do.
"""

from typing import Literal


class LoopwatchError(Exception):
    """Something went wrong in a way that was foreseen."""


class UserError(LoopwatchError):
    """Something the user wrote, named or owns has to change."""


class TaskError(UserError):
    """A task folder cannot be used as it is."""


class ConfigError(UserError):
    """A run's settings cannot be used as they are."""


class RunNotFound(UserError):
    """There is no such run."""


class StateFolderError(UserError):
    """The folder that runs are kept in cannot be used."""


class RepositoryError(UserError):
    """The user's git repository cannot be used as it is."""


class RunInUse(LoopwatchError):
    """Another engine works on this run."""


class EditRefused(LoopwatchError):
    """A proposal may not be applied; the message is the reason."""


class ArtefactRefused(LoopwatchError):
    """What an experiment saved may not be measured; the message is the reason."""


class NothingToPropose(LoopwatchError):
    """The proposer has come to its end."""


class ProposerFailed(LoopwatchError):
    """The proposer could not propose this time; `outcome` is how its turn ended, one of `events.Outcome`."""

    def __init__(self, text: str, outcome: str = "crashed", *, category: str = "") -> None:
        """`category` is the rule that a model named when it refused."""
        super().__init__(text)
        self.outcome, self.category = outcome, category


class AgentFailed(LoopwatchError):
    """An agent's own source code did not do what it is for; the message says how, as the rest of a sentence about it."""


class Blocked(LoopwatchError):
    """Nobody can propose until a person has mended something: a key, or a cap on money."""

    def __init__(self, text: str, because: Literal["bad_key", "money"], *, final: bool = False) -> None:
        """`final`: nothing that a person could answer now would let the run go on."""
        super().__init__(text)
        self.because, self.final = because, final


class WorkspaceError(LoopwatchError):
    """The run's private repository is not as the engine left it."""


class LedgerError(LoopwatchError):
    """The ledger cannot be read or written."""
