"""A task folder: what may be edited, how it is run, how it is measured.

`load` reads `task.toml` and checks it against the folder; it runs nothing of the task's. Shipped tasks are found by name.
Frozen files are hashed by the workspace, commands are started by the runner.
"""

import math
import shlex
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from . import borrowed
from .editing.constants import set_constant
from .editing.edits import permits
from .errors import EditRefused, TaskError
from .trust import LEVELS, Trust, trust

SHIPPED = Path(__file__).resolve().parent.parent / "tasks"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _words(value: object) -> object:
    return shlex.split(value) if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], BeforeValidator(_words), Field(min_length=1)]
"""A command: a list of words, or one string that is split the way a shell splits it. `{python}` is our interpreter."""


class Metric(_Section):
    """The one number."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_./-]*$")
    """As the evaluator prints it: `NAME: NUMBER` on a line of its own."""
    direction: Literal["up", "down"]
    """Which way is better."""
    unit: str = ""
    low: float | None = None
    """Below this a number is a fault of the measurement, never a win."""
    high: float | None = None
    """Above this a number is a fault of the measurement, never a win."""
    noise: float | None = Field(default=None, ge=0)
    """Standard deviation of identical runs, measured; 0 for a deterministic metric; unknown when absent."""
    target: float | None = None
    """The run stops when the best reaches this."""

    def gain(self, value: float, than: float) -> float:
        """How much better `value` is, in the metric's unit; negative is worse."""
        return value - than if self.direction == "up" else than - value

    def plausible(self, value: float) -> bool:
        """Whether a finite value lies in the declared range."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def reached(self, value: float) -> bool:
        """Whether the task's own target is met."""
        return self.target is not None and self.gain(value, self.target) >= 0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        return self


class Budget(_Section):
    """How long an experiment may train."""

    kind: Literal["cpu_seconds", "wall_seconds", "steps"]
    """cpu_seconds on a shared machine without an accelerator, wall_seconds on a GPU held alone, steps for A/A checks."""
    amount: float = Field(gt=0)
    wall_seconds: float = Field(gt=0)
    """The hard limit, always; held time does not count."""
    grace_seconds: float = Field(default=10, ge=0)
    """For start-up, compiling and saving, on top of the budget."""
    canary: bool = False
    """Measure the machine's speed before and after; an unfair run is repeated rather than judged."""
    canary_tolerance: float = Field(default=0.15, gt=0, lt=1)
    """How far the speed may be off the baseline's, as a share of it."""

    @property
    def hard_seconds(self) -> float:
        """When an experiment is ended, whatever it does."""
        if self.kind == "wall_seconds":
            return min(self.wall_seconds, self.amount + self.grace_seconds)
        return self.wall_seconds

    def share(self, *, at: float, step: int, progress: float | None) -> float:
        """How much of the budget was used at a step, 0 to 1, more when it overran.

        at        seconds since training began, held time not counted
        progress  what the experiment printed about it, if it did
        """
        if progress is not None:
            return progress
        return step / self.amount if self.kind == "steps" else at / self.amount


class Command(_Section):
    """A command of the task's, with its own time limit."""

    command: Words
    seconds: float = Field(default=60, gt=0)


class Evaluate(Command):
    """How the number is made from what an experiment left."""

    artefacts: tuple[str, ...] = ()
    """The files in LOOPWATCH_OUT that it reads. The engine opens and copies them, and shows it the copies and nothing else."""
    artefact_mb: float = Field(default=1024, gt=0)
    """The most that one of them may hold."""
    predictor: Words | None = None
    """Answers the evaluator's questions with what the experiment left, its code too; in a room without tests, labels or data.

    The evaluator writes questions to LOOPWATCH_ASK and reads answers from LOOPWATCH_ANSWERS: named pipes, to be opened in this order.
    """
    trust: Trust | None = None
    """How far its number can be trusted; found out from its files when absent, and never better than they support."""

    @model_validator(mode="after")
    def _inside(self) -> Self:
        for name in self.artefacts:
            parts = name.split("/")
            if any(part in ("", ".", "..") for part in parts):
                raise ValueError(
                    f"artefacts: {name!r} is no path inside LOOPWATCH_OUT; write it like model.json or deep/model.json"
                )
        return self


class Suite(_Section):
    """Tests that an evaluator scores on, of which there may come more."""

    file: str
    """A JSON list of tests, each with an input and what is expected: the original, which is never changed."""
    hidden: str | None = None
    """Other tests, for comparisons of what was found; nothing that improves anything ever sees them."""
    check: Command | None = None
    """Says which proposed tests may enter: it reads LOOPWATCH_TESTS and LOOPWATCH_SUITE, and prints a line of JSON for each."""
    most: int = Field(default=400, ge=1)
    """Tests in it, at most, the original ones counted."""

    @property
    def files(self) -> tuple[str, ...]:
        """The files of tests."""
        return (self.file, self.hidden) if self.hidden else (self.file,)


class Rubric(_Section):
    """What the facts of a test are about, where answers are judged by facts that hold or do not."""

    knowledge: Words
    """Prints the knowledge base: one JSON object, a text per topic."""


class Control(_Section):
    """A training that cannot learn: it has to score clearly worse than the baseline, or the metric measures something else."""

    set: dict[str, dict[str, float | int | str | bool]] = Field(min_length=1)
    """Constants at the top level of editable files: `{ "train.py" = { LR = 0.0 } }`."""
    amount: float | None = Field(default=None, gt=0)
    """Of the budget; what does not learn needs little."""


class Run(_Section):
    """How an experiment is started; the limit is the budget's."""

    command: Words
    preload: tuple[str, ...] = ()
    """Modules that a warm spare imports while the previous experiment still trains."""
    environment: dict[str, str] = {}


class TaskLimits(_Section):
    """What an experiment may use up besides time."""

    memory_mb: float | None = Field(default=None, gt=0)
    """Of all its processes together; nine tenths of the machine's when absent."""
    processes: int | None = Field(default=None, ge=8)
    """At a time; many when absent."""
    time_ratio: float | None = Field(default=None, gt=0)
    """Wall time as a multiple of the baseline's: a gain that costs more is not kept."""
    size_lines: int | None = Field(default=None, ge=0)
    """Lines by which all kept changes together may have lengthened the files: a gain that needs more is not kept."""


class Hyperparameter(_Section):
    """A line `NAME = value` at the top level of a file, that may be varied."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    file: str
    low: float | None = None
    high: float | None = None
    scale: Literal["linear", "log"] = "linear"
    type: Literal["float", "int"] = "float"
    choices: tuple[float | int | str | bool, ...] = ()

    @model_validator(mode="after")
    def _has_a_range(self) -> Self:
        if self.choices:
            return self
        if self.low is None or self.high is None:
            raise ValueError("needs low and high, or choices")
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be below high ({self.high})")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f'scale = "log" needs low > 0, not {self.low}')
        if self.type == "int" and math.ceil(self.low) >= math.floor(self.high):
            raise ValueError(f'type = "int" needs two whole numbers from low ({self.low}) to high ({self.high})')
        return self


class Task(_Section):
    """A task folder, read and checked."""

    folder: Path = Field(default=Path(), exclude=True)
    words: str = Field(default="", exclude=True)
    """The research programme, where the folder has it elsewhere than in program.md."""
    remarks: tuple[str, ...] = Field(default=(), exclude=True)
    """What has to be said of it once."""
    needs_judge: str = Field(default="", exclude=True)
    """Why it cannot be measured unless a model judges its answers; "" where it can."""
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    description: str = ""
    editable: tuple[str, ...] = Field(min_length=1)
    """Files an agent may change; a name ending in / is a folder. Everything else is refused."""
    frozen: tuple[str, ...] = ()
    """Files that decide the metric: hashed before and after each experiment."""
    unseen: tuple[str, ...] = ()
    """Frozen files that neither an experiment nor an agent gets to see: they are only where the evaluator runs."""
    metric: Metric
    budget: Budget
    gpu_budget: Budget | None = None
    """The budget on a machine with an NVIDIA GPU, in place of `budget`; a GPU that is held alone is counted in wall seconds."""
    prepare: Command | None = None
    run: Run
    limits: TaskLimits = TaskLimits()
    data: tuple[str, ...] = ()
    """Folders or files elsewhere that all its commands may read: a data set, say. They need not be in the task's folder."""
    evaluate: Evaluate
    suite: Suite | None = None
    rubric: Rubric | None = None
    control: Control | None = None
    hyperparameter: tuple[Hyperparameter, ...] = ()

    @cached_property
    def trust(self) -> Trust:
        """How far its number can be trusted."""
        return self.evaluate.trust or self._supported[0]

    @property
    def _supported(self) -> tuple[Trust, str]:
        evaluate = self.evaluate
        return trust(
            self.folder,
            evaluate.command,
            editable=self.editable,
            frozen=self.frozen,
            artefacts=evaluate.artefacts,
            predictor=evaluate.predictor is not None,
        )

    @property
    def program(self) -> Path:
        """The task's own research programme."""
        return self.folder / "program.md"

    def on(self, *, gpu: bool) -> Self:
        """The task as it is run on a machine with or without a GPU."""
        return self.with_budget(self.gpu_budget) if gpu and self.gpu_budget else self

    def judged(self) -> Self:
        """The task as it is where a model says what its answers are worth: its votes differ, and can be talked into something."""
        metric = self.metric.model_copy(update={"noise": None})
        trusted = min(self.trust, "locked", key=LEVELS.index)
        evaluate = self.evaluate.model_copy(update={"trust": trusted})
        update = {"metric": metric, "evaluate": evaluate, "remarks": (), "needs_judge": ""}
        found = self.model_copy(update=update)
        found.__dict__.pop("trust", None)  # a copy has what was cached, too
        return found

    def with_budget(self, budget: Budget) -> Self:
        """The same task with another budget: a run keeps the one it began with."""
        return self.model_copy(update={"budget": budget})


def shipped() -> list[str]:
    """Names of the tasks that come with loopwatch."""
    return sorted(path.parent.name for path in SHIPPED.glob("*/task.toml"))


def locate(name: str) -> Path:
    """The folder of a shipped task, or of a path; TaskError when there is neither."""
    folder = Path(name).expanduser()
    if (folder / "task.toml").is_file():
        return folder.resolve()
    if name in shipped():
        return SHIPPED / name
    if borrowed.is_borrowed(folder):
        return folder.resolve()
    if inside := next(filter(borrowed.is_borrowed, sorted(folder.glob("tasks/*"))), None):
        raise TaskError(f"{folder} is no task, but has some in it; run one with: loopwatch run {inside}")
    if folder.is_dir():
        raise TaskError(
            f"{folder} has no task.toml (nor {', '.join(borrowed.FILES)}); write one with: loopwatch new {folder}"
        )
    raise TaskError(
        f"no task {name!r}: neither a shipped one ({', '.join(shipped())}) nor a folder; make one with: loopwatch new {name}"
    )


def load(name: str) -> Task:
    """Read a task; TaskError names the file, the field and the fix."""
    folder = locate(name)
    file = folder / "task.toml"
    if file.is_file():
        raw = _settings(file)
    else:
        file, raw = folder / borrowed.CONFIG, borrowed.settings(folder)
    try:
        task = Task.model_validate({**raw, "folder": folder})
    except ValidationError as error:
        raise TaskError(
            "\n".join(_explain(file, problem["loc"], problem["msg"], problem["type"]) for problem in error.errors())
        ) from None
    _check_files(task, file)
    return task


def _settings(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise TaskError(f"{file}: not valid TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{file}: cannot be read: {error}") from None


_FIXES = {
    ("metric", "direction"): 'add direction = "up" or direction = "down"',
    ("metric",): 'add a [metric] section with name = "..." and direction = "up" or "down"',
    ("budget",): 'add a [budget] section with kind = "cpu_seconds", amount = 20 and wall_seconds = 120',
    ("budget", "kind"): 'use kind = "cpu_seconds", "wall_seconds" or "steps"',
    ("run",): 'add a [run] section with command = ["{python}", "train.py"]',
    ("evaluate",): 'add an [evaluate] section with command = ["{python}", "evaluate.py"]',
    ("editable",): 'add editable = ["train.py"]: the files an agent may change',
}


def _explain(file: Path, loc: tuple[int | str, ...], message: str, kind: str) -> str:
    field = ".".join(str(part) for part in loc) or "the file"
    fix = _FIXES.get(tuple(str(part) for part in loc))
    if kind == "missing":
        return f"{file}: {field} is missing; {fix or f'add {loc[-1]}'}"
    if kind == "extra_forbidden":
        return f"{file}: {field} is not known; remove it or correct its spelling (loopwatch new shows every field)"
    message = message.removeprefix("Value error, ")
    return f"{file}: {field}: {message}" + (f"; {fix}" if fix else "")


def _check_constants(path: Path, constants: dict[str, float | int | str | bool], file: Path) -> None:
    try:
        text = path.read_text(encoding="utf-8")
        for constant, value in constants.items():
            text = set_constant(text, constant, value)
    except (OSError, UnicodeDecodeError, EditRefused) as error:
        raise TaskError(f"{file}: control: {path.name}: {error}") from None


def _check_files(task: Task, file: Path) -> None:
    for field, names in (("editable", task.editable), ("frozen", task.frozen)):
        for name in names:
            path = task.folder / name
            if Path(name).is_absolute() or ".." in Path(name).parts:
                raise TaskError(f"{file}: {field}: {name!r} leaves the task folder; name files inside it")
            if not path.exists():
                raise TaskError(f"{file}: {field}: {name} is not there; create it or correct the name")
    supported, why = task._supported
    if task.evaluate.trust and LEVELS.index(task.evaluate.trust) > LEVELS.index(supported):
        raise TaskError(f"{file}: evaluate.trust: not {task.evaluate.trust}, but {supported}: {why}")
    for name, constants in task.control.set.items() if task.control else ():
        if not permits(name, task.editable):
            raise TaskError(f"{file}: control: {name} is not editable; set constants in {', '.join(task.editable)}")
        _check_constants(task.folder / name, constants, file)
    for name in task.data:
        if not Path(name).expanduser().is_absolute() or not Path(name).expanduser().exists():
            raise TaskError(f"{file}: data: {name} is not there; write the whole path of a folder or file")
    for name in task.unseen:
        if not permits(name, task.frozen):
            raise TaskError(f"{file}: unseen: {name} is not frozen; add it to frozen")
    for name in task.suite.files if task.suite else ():
        if not permits(name, task.unseen):
            raise TaskError(f"{file}: suite: {name} could be read by an experiment; add it to frozen and to unseen")
        if not (task.folder / name).is_file():
            raise TaskError(f"{file}: suite: {name} is not there; create it or correct the name")
    for name in task.frozen:
        if name in task.editable:
            raise TaskError(f"{file}: {name} is both editable and frozen; leave it in one of the two lists")
    for parameter in task.hyperparameter:
        if not permits(parameter.file, task.editable):
            raise TaskError(
                f"{file}: hyperparameter {parameter.name}: {parameter.file} is not editable; add it to editable or correct the name"
            )
