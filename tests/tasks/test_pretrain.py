"""The pretrain task, trained and measured for real, a few steps at a time."""

import json
import re
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from .contract import Desk, desk

pytestmark = pytest.mark.filterwarnings(r"ignore:.*torch\.jit\.:DeprecationWarning")

STEP_LINE = re.compile(
    r"^step (\d{5}) \((\d+\.\d)%\) \| loss: \d+\.\d{4} \| lrm: \d\.\d\d \| dt: \d+ms \| tok/sec: [\d,]+$",
    re.MULTILINE,
)
CONTEXT = 64


@pytest.fixture(scope="module")
def pretrain(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return desk("pretrain", tmp_path_factory.mktemp("pretrain"))


class Table(nn.Module):
    """The smallest honest model: the logits depend on the last byte alone."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(256, 256))

    def forward(self, symbols: Tensor) -> Tensor:
        return self.table[symbols]


class LooksAhead(Table):
    def forward(self, symbols: Tensor) -> Tensor:
        return nn.functional.one_hot(symbols.roll(-1, 1), 256) + self.table[symbols]


class LooksAtNeighbours(Table):
    def forward(self, symbols: Tensor) -> Tensor:
        return nn.functional.one_hot(symbols.roll(-1, 0), 256) + self.table[symbols]


class Remembers(Table):
    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(256))

    def forward(self, symbols: Tensor) -> Tensor:
        self.seen.add_(nn.functional.one_hot(symbols, 256).sum((0, 1)))
        return self.table[symbols] + self.seen


class LooksAheadLater(Table):
    """Honest the first time it is asked; it keeps count in a weight."""

    asked: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("asked", torch.zeros(()))

    def forward(self, symbols: Tensor) -> Tensor:
        hint = nn.functional.one_hot(symbols.roll(-1, 1), 256) * self.asked.clamp(0, 1)
        self.asked.add_(1)
        return hint + self.table[symbols]


class LooksAheadInLargeBatches(Table):
    """Honest whenever it is asked about fewer windows than in a scored batch."""

    def forward(self, symbols: Tensor) -> Tensor:
        hint = nn.functional.one_hot(symbols.roll(-1, 1), 256)
        is_large = symbols.shape[0] == 128  # 8192 // CONTEXT
        return hint * int(is_large) + self.table[symbols]


class HalfTheBytes(Table):
    def forward(self, symbols: Tensor) -> Tensor:
        return self.table[symbols][..., :128]


class LooksElsewhere(Table):
    def forward(self, symbols: Tensor) -> Tensor:
        file = torch.from_file("/etc/passwd", size=1, dtype=torch.uint8)
        beyond_the_edge = symbols.as_strided((1,), (1,), 1)
        return self.table[symbols] + file + beyond_the_edge


class RunsWhileLoading(Table):
    @torch.jit.export
    def __getstate__(self) -> tuple[Tensor, bool]:
        return self.table, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[Tensor, bool]) -> None:
        print("loaded")
        self.table = state[0]  # type: ignore[assignment]
        self.training = state[1]


def saved(model: nn.Module, out: Path, context: object = CONTEXT) -> None:
    """Save a model the way train.py does; scripted when a trace would not keep its methods."""
    example = torch.zeros(2, CONTEXT, dtype=torch.long)
    needs_script = isinstance(model, RunsWhileLoading | LooksAheadInLargeBatches)
    trace = partial(torch.jit.trace, example_inputs=example, check_trace=False)
    graph = torch.jit.script(model) if needs_script else trace(model)
    for buffer in model.buffers():  # tracing has run the model
        buffer.zero_()
    torch.jit.save(graph, out / "model.pt", _extra_files={"context.json": json.dumps(context).encode()})


def refusal(pretrain: Desk, out: Path) -> str:
    answer = pretrain.evaluate(out)
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert answer.stderr.startswith("evaluate.py: refused: ")
    return answer.stderr


def test_the_same_seed_gives_the_same_score_and_training_prints_its_progress(pretrain: Desk, tmp_path: Path) -> None:
    outs = [tmp_path / "first", tmp_path / "second"]
    with ThreadPoolExecutor() as pool:
        trained = list(pool.map(partial(pretrain.train, steps=2), outs))
    measured = pretrain.evaluate(outs[0])

    assert STEP_LINE.findall(trained[0].stdout)[-1] == ("00002", "100.0")
    assert trained[0].stderr == ""
    assert re.fullmatch(r"val_bpb: \d\.\d{6}\n", measured.stdout)
    once, again = (torch.jit.load(out / "model.pt").state_dict() for out in outs)  # type: ignore[no-untyped-call]
    assert once
    assert once.keys() == again.keys()
    assert all(torch.equal(weight, again[name]) for name, weight in once.items())


def test_a_training_that_breaks_says_fail_and_saves_nothing(pretrain: Desk, tmp_path: Path) -> None:
    wild = desk("pretrain", tmp_path / "desk")
    lines = (wild.copy / "train.py").read_text(encoding="utf-8")
    (wild.copy / "train.py").write_text(lines.replace("SOFTCAP = 0\n", "SOFTCAP = float('nan')\n"), encoding="utf-8")
    trained = wild.train(tmp_path / "out", steps=4)

    assert trained.returncode == 1
    assert trained.stdout.splitlines()[-1] == "FAIL: the loss is nan at step 1"
    assert not list((tmp_path / "out").iterdir())


def test_a_model_that_knows_nothing_needs_eight_bits_per_byte(pretrain: Desk, tmp_path: Path) -> None:
    saved(Table(), tmp_path)

    assert pretrain.evaluate(tmp_path).stdout == "val_bpb: 8.000000\n"


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (LooksAhead(), "not causal"),
        (LooksAtNeighbours(), "not causal"),
        (Remembers(), "not causal"),
        (LooksAheadInLargeBatches(), "not causal"),
        (HalfTheBytes(), "they must have"),
        (LooksElsewhere(), "aten::as_strided, aten::from_file"),
        (RunsWhileLoading(), "while it is loaded"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_a_model_that_breaks_the_rules_is_refused(
    pretrain: Desk, tmp_path: Path, model: nn.Module, reason: str
) -> None:
    saved(model, tmp_path)

    assert reason in refusal(pretrain, tmp_path)


def test_a_model_remembers_nothing_from_one_question_to_the_next(pretrain: Desk, tmp_path: Path) -> None:
    saved(LooksAheadLater(), tmp_path)

    # Whoever could count the questions would be honest once and score far below 8 afterwards.
    assert pretrain.evaluate(tmp_path).stdout == "val_bpb: 8.000000\n"


def test_whoever_answers_can_open_nothing(pretrain: Desk) -> None:
    tries = (
        "import runpy, socket\n"
        "predict = runpy.run_path('predict.py')\n"
        "predict['fence_in']()\n"
        "for reach in (lambda: open('evaluate.py'), socket.socket, lambda: open('/dev/null', 'w')):\n"
        "    try: reach(); print('reached')\n"
        "    except OSError as error: print(error.strerror)\n"
    )
    tried = subprocess.run([sys.executable, "-c", tries], cwd=pretrain.copy, capture_output=True, text=True, timeout=60)

    assert tried.stdout.splitlines() == ["Too many open files"] * 3


def test_a_weight_that_is_no_number_is_refused(pretrain: Desk, tmp_path: Path) -> None:
    broken = Table()
    nn.init.constant_(broken.table, float("nan"))
    saved(broken, tmp_path)

    assert "a weight is not a finite number" in refusal(pretrain, tmp_path)


def test_a_context_that_does_not_divide_the_scored_spans_is_refused(pretrain: Desk, tmp_path: Path) -> None:
    saved(Table(), tmp_path, context=100)

    assert "the context length in context.json is 100" in refusal(pretrain, tmp_path)


def test_a_missing_model_is_refused(pretrain: Desk, tmp_path: Path) -> None:
    assert "there is no model.pt" in refusal(pretrain, tmp_path)


def test_an_oversized_model_is_refused(pretrain: Desk, tmp_path: Path) -> None:
    big = Table()
    big.ballast = nn.Parameter(torch.zeros(70_000_000, dtype=torch.uint8), requires_grad=False)
    saved(big, tmp_path)

    assert "at most 67,108,864 are allowed" in refusal(pretrain, tmp_path)


def test_no_held_out_file_is_trained_on(pretrain: Desk) -> None:
    train = set((pretrain.root / "public" / "train.bin").read_bytes().split(b"\0"))
    held_out = set((pretrain.root / "hidden" / "val.bin").read_bytes().split(b"\0"))

    assert len(held_out) > 10
    assert train & held_out == {b""}


def test_the_corpus_is_the_same_each_time_and_says_so(pretrain: Desk) -> None:
    manifest = json.loads((pretrain.root / "public" / "manifest.json").read_text(encoding="utf-8"))

    assert f"fingerprint: {manifest['fingerprint']}" in pretrain.prepare().stdout


@pytest.fixture
def handler_of_sigcont() -> Iterator[None]:
    before = signal.getsignal(signal.SIGCONT)
    yield
    signal.signal(signal.SIGCONT, before)


@pytest.mark.usefixtures("handler_of_sigcont")
def test_a_step_in_which_training_was_stopped_counts_like_the_one_before(pretrain: Desk) -> None:
    budget = runpy.run_path(str(pretrain.copy / "train.py"))["Budget"]("wall_seconds", 1000.0)
    budget.start()
    before = budget.count_step()
    signal.raise_signal(signal.SIGCONT)
    budget.last -= 500  # as if it had been stopped that long

    assert budget.count_step() == before
    assert budget.spent == 2 * before


def test_without_data_training_says_what_to_do(pretrain: Desk, tmp_path: Path) -> None:
    (pretrain.root / "empty").mkdir()
    lost = Desk(pretrain.task, pretrain.root / "empty")
    (lost.root / "task").symlink_to(pretrain.copy)

    assert "make it with: python data.py" in lost.train(tmp_path, steps=1).stderr
