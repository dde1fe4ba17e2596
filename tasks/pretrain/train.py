"""Train a small byte-level GPT within a budget and save it for the evaluator.

Everything here may be edited. What the outside relies on: the budget is read from the environment,
a step line is printed now and then, FAIL and exit code 1 say that training broke, and `save` writes
a graph from (batch, SEQ_LEN) bytes to (batch, SEQ_LEN, 256) logits, in which no position sees a later
one. The score is not computed here: the evaluator has the held-out bytes and this file does not.
"""

import json
import math
import os
import signal
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

# The model.
SEQ_LEN = 128
DIM = 128
DEPTH = 2
HEADS = 4
MLP_RATIO = 4.0
DROPOUT = 0.1
INIT_STD = 0.02
# Logits are held within ±SOFTCAP by a tanh; 0 leaves them alone.
SOFTCAP = 0

# The optimiser.
BATCH = 8
LR = 1e-3
EMB_LR_MULT = 1.0
WD = 0.1
BETA1 = 0.9
BETA2 = 0.999
EPS = 1e-8
CLIP = 1.0
# The rate rises for the first WARMUP of the budget and falls to FINAL_LR × LR over the last WARMDOWN.
WARMUP = 0.05
WARMDOWN = 0.0
FINAL_LR = 0.0

SECONDS_BETWEEN_LINES = 0.4
BROKEN_LOSS = 20.0

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
if DEVICE == "cuda":  # the same shape, larger in every direction
    DIM, DEPTH, HEADS = 4 * DIM, 4 * DEPTH, 2 * HEADS
    SEQ_LEN, BATCH = min(1024, 4 * SEQ_LEN), 8 * BATCH


class Block(nn.Module):
    """Attention, then a perceptron, each added to the residual stream."""

    def __init__(self) -> None:
        super().__init__()
        hidden = int(MLP_RATIO * DIM)
        self.attention_norm = nn.LayerNorm(DIM)
        self.qkv = nn.Linear(DIM, 3 * DIM)
        self.mixed = nn.Linear(DIM, DIM)
        self.mlp_norm = nn.LayerNorm(DIM)
        self.up = nn.Linear(DIM, hidden)
        self.down = nn.Linear(hidden, DIM)
        self.dropout = nn.Dropout(DROPOUT)

    def attend(self, x: Tensor) -> Tensor:
        batch, length, _ = x.shape
        heads = self.qkv(x).view(batch, length, 3, HEADS, DIM // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = heads.unbind(0)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        mixed: Tensor = self.mixed(seen.transpose(1, 2).reshape(batch, length, DIM))
        return mixed

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attend(self.attention_norm(x)))
        thought: Tensor = self.dropout(self.down(F.gelu(self.up(self.mlp_norm(x)))))
        return x + thought


class GPT(nn.Module):
    """Bytes in, the logits of the next byte out."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(256, DIM)
        self.position = nn.Embedding(SEQ_LEN, DIM)
        self.blocks = nn.ModuleList(Block() for _ in range(DEPTH))
        self.norm = nn.LayerNorm(DIM)
        self.head = nn.Linear(DIM, 256, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                nn.init.normal_(parameter, std=INIT_STD)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)

    def forward(self, symbols: Tensor) -> Tensor:
        x = self.embedding(symbols) + self.position.weight[: symbols.shape[1]]
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(self.norm(x)).float()
        return SOFTCAP * torch.tanh(logits / SOFTCAP) if SOFTCAP else logits


def make_optimizer(model: GPT) -> torch.optim.Optimizer:
    """AdamW in three groups: embeddings with their own rate, matrices, and vectors without decay."""
    embeddings = [part.weight for part in model.modules() if isinstance(part, nn.Embedding)]
    rest = [p for p in model.parameters() if all(p is not e for e in embeddings)]
    groups = [
        {"params": embeddings, "lr": LR * EMB_LR_MULT, "weight_decay": WD},
        {"params": [p for p in rest if p.ndim == 2], "lr": LR, "weight_decay": WD},
        {"params": [p for p in rest if p.ndim < 2], "lr": LR, "weight_decay": 0.0},
    ]
    for group in groups:
        group["full_lr"] = group["lr"]
    return torch.optim.AdamW(groups, betas=(BETA1, BETA2), eps=EPS, fused=True)


def lr_multiplier(done: float) -> float:
    """What to multiply each learning rate with, when this part of the budget (0 to 1) is spent."""
    if done < WARMUP:
        return done / WARMUP
    if done < 1 - WARMDOWN:
        return 1.0
    return FINAL_LR + (1 - FINAL_LR) * (1 - done) / WARMDOWN


def batches(data: Tensor, seed: int) -> Iterator[Tensor]:
    """Random windows of the training bytes, one byte longer than the context: inputs and targets overlap."""
    generator = torch.Generator().manual_seed(seed)
    window = torch.arange(SEQ_LEN + 1)
    while True:
        starts = torch.randint(len(data) - SEQ_LEN, (BATCH, 1), generator=generator)
        yield data[starts + window].long().to(DEVICE)


class Budget:
    """How much training is allowed and how much is spent, in seconds or steps.

    Seconds are counted as differences, since this interpreter may have lived before training began.
    A clock on the wall goes on while the process is stopped; a step that was stopped in the middle
    therefore counts as long as the one before it.
    """

    def __init__(self, kind: str, amount: float) -> None:
        self.kind, self.amount = kind, amount
        self.spent = self.last = self.step_seconds = 0.0
        self.was_stopped = False

    def clock(self) -> float:
        return time.process_time() if self.kind == "cpu_seconds" else time.monotonic()

    def start(self) -> None:
        signal.signal(signal.SIGCONT, self.note_stop)
        self.last = self.clock()

    def note_stop(self, *_: object) -> None:
        # CPU time stands still by itself.
        self.was_stopped = self.kind != "cpu_seconds"

    def count_step(self) -> float:
        """Count the step that ends now and return its seconds."""
        now = self.clock()
        if not self.was_stopped:
            self.step_seconds = now - self.last
        self.last, self.was_stopped = now, False
        self.spent += 1 if self.kind == "steps" else self.step_seconds
        return self.step_seconds

    @property
    def done(self) -> float:
        return self.spent / self.amount


def save(model: nn.Module, folder: Path) -> None:
    """Write the model as a graph that the evaluator can run without this file."""
    model.eval()
    folder.mkdir(parents=True, exist_ok=True)
    example = torch.zeros(2, SEQ_LEN, dtype=torch.long, device=DEVICE)
    with warnings.catch_warnings(), torch.no_grad():
        # torch.export, the successor, needs five seconds for what this does in a fraction of one.
        warnings.filterwarnings("ignore", message=r".*torch\.jit\.", category=DeprecationWarning)
        graph = torch.jit.trace(model, example, check_trace=False)  # type: ignore[no-untyped-call]
        context = {"context.json": json.dumps(SEQ_LEN).encode()}
        torch.jit.save(graph, folder / "model.pt", _extra_files=context)


def take_step(model: GPT, optimizer: torch.optim.Optimizer, batch: Tensor, multiplier: float) -> float:
    """Learn from one batch and return its loss before that, in nats per byte."""
    for group in optimizer.param_groups:
        group["lr"] = group["full_lr"] * multiplier
    with torch.autocast(DEVICE, torch.bfloat16, enabled=DEVICE == "cuda"):
        logits = model(batch[:, :-1])
    loss = F.cross_entropy(logits.flatten(0, 1), batch[:, 1:].flatten())
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), CLIP)
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def train(model: GPT, data: Tensor, budget: Budget, seed: int) -> None:
    """Spend the budget, print step lines and then a summary."""
    optimizer = make_optimizer(model)
    tokens_per_step, smooth_loss, next_line = BATCH * SEQ_LEN, 0.0, 0.0
    budget.start()
    for step, batch in enumerate(batches(data, seed), start=1):
        multiplier = lr_multiplier(budget.done)
        loss = take_step(model, optimizer, batch, multiplier)
        if not loss < BROKEN_LOSS:
            print(f"FAIL: the loss is {loss:.3g} at step {step}", flush=True)
            sys.exit(1)
        smooth_loss = 0.9 * smooth_loss + 0.1 * loss
        shown_loss = smooth_loss / (1 - 0.9**step)
        seconds = budget.count_step()
        if time.monotonic() >= next_line or budget.done >= 1:
            next_line = time.monotonic() + SECONDS_BETWEEN_LINES
            speed = tokens_per_step / max(seconds, 1e-6)
            print(
                f"step {step:05d} ({100 * budget.done:.1f}%) | loss: {shown_loss:.4f} | lrm: {multiplier:.2f}"
                f" | dt: {1000 * seconds:.0f}ms | tok/sec: {speed:,.0f}",
                flush=True,
            )
        if budget.done >= 1:
            break
    print("---")
    print(f"budget_spent:   {budget.spent:.2f} {budget.kind}")
    print(f"num_steps:      {step}")
    print(f"total_tokens_M: {step * tokens_per_step / 1e6:.3f}")
    print(f"num_params_M:   {sum(p.numel() for p in model.parameters()) / 1e6:.3f}")
    print(f"train_bpb:      {shown_loss / math.log(2):.4f}", flush=True)


def main() -> None:
    budget = Budget(
        os.environ.get("LOOPWATCH_BUDGET_KIND", "cpu_seconds"),
        float(os.environ.get("LOOPWATCH_BUDGET", "20")),
    )
    seed = int(os.environ.get("LOOPWATCH_SEED", "1"))
    corpus = Path(os.environ.get("LOOPWATCH_DATA", "data/public")) / "train.bin"
    if not corpus.exists():
        sys.exit(f"train.py: there is no {corpus}; make it with: python data.py")
    # CPU seconds are summed over threads: a second one would cost what it gains.
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    torch.manual_seed(seed)
    data = torch.from_file(str(corpus), size=corpus.stat().st_size, dtype=torch.uint8)
    model = GPT().to(DEVICE)
    train(model, data, budget, seed)
    save(model, Path(os.environ.get("LOOPWATCH_OUT", "out")))


if __name__ == "__main__":
    main()
