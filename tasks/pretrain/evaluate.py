"""Measure the bits per byte of a saved model on held-out source code.

No line that an agent wrote runs here. The model answers in a process of its own (`predict.py`) that gets
windows of bytes and returns logits; the bytes to be predicted stay here, and so does the softmax, so that no
answer scores below nothing. The same 64 KiB are scored whatever the context length; a model that looks ahead,
mixes the rows of a batch or is random is refused. Not covered: training on the held-out files, which any
Python also has on its disk.
"""

import ctypes
import json
import math
import os
import random
import struct
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

SPAN_BYTES = 1024
SPANS = 64
# On a GPU each question costs a start of CUDA, so there are fewer of them.
BATCH_BYTES = 32768 if Path("/dev/nvidiactl").exists() else 8192
CONTEXTS = (16, 32, 64, 128, 256, 512, 1024)
CHECKED_WINDOWS = 64
# Rounding differs with the machine by some 1e-5; a hint about the next byte does not hide in 1e-2.
LOGIT_TOLERANCE = 1e-2
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "HOME", "TMPDIR", "OMP_NUM_THREADS", "MKL_NUM_THREADS")

Bytes = NDArray[np.uint8]
Logits = NDArray[np.float32]


def refuse(reason: str) -> NoReturn:
    sys.exit(f"evaluate.py: refused: {reason}")


class Predictor:
    """A model in a process of its own: it is asked, and not believed."""

    def __init__(self, artefact: Path) -> None:
        command = [sys.executable, "-I", "-B", str(Path(__file__).with_name("predict.py")), str(artefact)]
        # It need not know where the held-out bytes are.
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/", env=environment
        )
        claimed = self._hear(1000)
        try:
            self.context: int = json.loads(json.loads(claimed))
        except (ValueError, TypeError, RecursionError):
            self.context = 0
        if type(self.context) is not int or self.context not in CONTEXTS:
            refuse(f"the context length in context.json is {str(self.context)[:20]}; it must be one of {CONTEXTS}")

    def logits(self, rows: Bytes) -> Logits:
        """What the model says to the inputs of some rows (all but their last byte): logits (row, position, 256)."""
        inputs = np.ascontiguousarray(rows[:, :-1])
        assert self.process.stdin
        self.process.stdin.write(struct.pack("<II", *inputs.shape) + inputs.tobytes())
        self.process.stdin.flush()
        wanted = 4 * inputs.size * 256
        answer = self._hear(wanted)
        if len(answer) != wanted:
            refuse(f"the model answered with {len(answer):,} bytes of logits; {wanted:,} were asked for")
        logits = np.frombuffer(answer, dtype="<f4").reshape(*inputs.shape, 256)
        if not np.isfinite(logits).all():
            refuse("a logit is not a finite number")
        return logits

    def close(self) -> None:
        """Nobody asks any more."""
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait()

    def _hear(self, most: int) -> bytes:
        assert self.process.stdout
        mark, size = self.process.stdout.read(1), self.process.stdout.read(8)
        if len(size) != 8:
            refuse("the process that answers for the model ended without an answer")
        content = self.process.stdout.read(min(struct.unpack("<Q", size)[0], max(most, 1000)))
        if mark != b"+":
            refuse(content.decode("utf-8", "replace")[:500])
        return content


def windows(held_out: Bytes, context: int) -> Bytes:
    """Rows of `context` + 1 bytes that together score SPANS spans of SPAN_BYTES, spread evenly.

    A shorter context scores the same bytes; it only starts cold more often, and pays for it.
    """
    first = np.arange(SPANS) * ((len(held_out) - SPAN_BYTES - 1) // SPANS)
    starts = (first[:, None] + np.arange(0, SPAN_BYTES, context)).reshape(-1, 1)
    rows: Bytes = held_out[starts + np.arange(context + 1)]
    return rows


def nats(logits: Logits, targets: Bytes) -> float:
    """The sum of −log softmax at the targets."""
    exact = logits.astype(np.float64)
    exact -= exact.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(exact, targets[..., None].astype(np.intp), axis=-1)[..., 0]
    return float((np.log(np.exp(exact).sum(axis=-1)) - chosen).sum())


def check_prefixes(model: Predictor, rows: Bytes, scored: list[Logits], batch: int) -> None:
    """Ask again about some windows, cut at secret places and continued with other text, in other company.

    The answers up to the cut must be those that were scored; otherwise the model looked ahead, looked at its
    neighbours, or is random. The questions have the shape of those before, so that nothing tells them apart.
    """
    secret = random.SystemRandom()
    context = rows.shape[1] - 1
    for _ in range(math.ceil(CHECKED_WINDOWS / batch)):
        chosen = secret.sample(range(len(rows)), batch)
        cuts = [secret.randrange(1, context) for _ in chosen]
        spliced = rows[chosen].copy()
        for row, cut in zip(spliced, cuts, strict=True):
            row[cut:] = rows[secret.randrange(len(rows)), cut:]
        for index, cut, answer in zip(chosen, cuts, model.logits(spliced), strict=True):
            before = scored[index // batch][index % batch, :cut]
            difference = float(np.abs(before - answer[:cut]).max())
            if difference > LOGIT_TOLERANCE:
                refuse(
                    f"not causal: the same {cut} bytes gave logits {difference:.3g} apart when other bytes"
                    " followed or surrounded them (or the model is random: was model.eval() left out?)"
                )


def keep_to_itself() -> None:
    """No other process of this user may read this one's memory, where the held-out bytes are."""
    if sys.platform == "linux":
        not_dumpable = 4
        ctypes.CDLL(None).prctl(not_dumpable, 0, 0, 0, 0)


def main() -> None:
    keep_to_itself()
    model = Predictor(Path(os.environ.get("LOOPWATCH_OUT", "out")).resolve() / "model.pt")
    held_out = Path(os.environ.get("LOOPWATCH_HIDDEN", "data/hidden")) / "val.bin"
    rows = windows(np.frombuffer(held_out.read_bytes(), dtype=np.uint8), model.context)

    batch = BATCH_BYTES // model.context
    parts = [rows[at : at + batch] for at in range(0, len(rows), batch)]
    scored = [model.logits(part) for part in parts]
    check_prefixes(model, rows, scored, batch)
    model.close()
    total = sum(nats(logits, part[:, 1:]) for logits, part in zip(scored, parts, strict=True))
    print(f"val_bpb: {total / math.log(2) / (SPANS * SPAN_BYTES):.6f}")


if __name__ == "__main__":
    main()
