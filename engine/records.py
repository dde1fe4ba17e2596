"""From an experiment's output to points of a curve.

Pure: bytes in, samples out, as they come. Read are karpathy's step lines, nanoGPT's and modded-nanogpt's,
Hugging Face dict lines, JSON lines, tqdm bars with a loss, and any line of `key=value` or `key: value`
pairs that names a step.

Nothing here decides anything: an experiment may print what it likes, and these are its claims about itself.
The metric that counts comes from the evaluator. Numbers are plain ASCII; `nan` and `inf` stay what they
are.
"""

import json
import math
import re
from dataclasses import dataclass

LINE_BYTES = 16 << 10
"""Of a longer line only the beginning is read."""

_NUMBER = rb"(?:[+-]?(?:\d{1,3}(?:,\d{3})++|\d{1,40}+)(?:\.\d{0,40}+)?|[+-]?\.\d{1,40}+)(?:[eE][+-]?\d{1,4})?"
_VALUE = rb"(" + _NUMBER + rb"|[+-]?(?i:nan|inf(?:inity)?))(?!\w|\.\d|[ ]?/[ ]?\d)"

# Possessive repetitions (++): a line made to send the matcher back and forth takes no longer than another.
_PAIR = re.compile(
    rb"(?<![\w/.\x80-\xff-])([A-Za-z_\x80-\xff][\w/.\x80-\xff-]{0,40}+(?: (?:loss|bpb))?)['\"]?"
    rb"(?:[ \t]{0,8}+[:=][ \t]{0,8}+|[ \t]{1,8}+)['\"]?"
    rb"(?:" + _VALUE + rb"|\[?(\d{1,15}+)[ ]?/[ ]?(\d{1,15}+))"
)
_KARPATHY = re.compile(
    rb"step +(\d{1,15}) +\((\d{1,3}(?:\.\d{1,9})?)%\) +\| +loss: +(" + _NUMBER + rb"|[+-]?(?:nan|inf)) +\| +"
    rb"lrm: +(" + _NUMBER + rb") +\|.{0,80}?tok/sec: +(" + _NUMBER + rb")"
)
_TQDM = re.compile(rb"\d{1,3}%\|[^|]{0,400}\| *(\d{1,15})/(\d{1,15}) \[")
_PERCENT = re.compile(rb"\((\d{1,3}(?:\.\d{1,9})?)%\)")
_TELLING = re.compile(rb"[sS]tep|[eE]poch|[iI]ter|it/s|s/it|\bit[:= ]|STEP|EPOCH|ITER")
_CONTROL = re.compile(
    rb"\x1b\][^\x07\x1b]*+(?:\x07|\x1b\\|$)"  # operating system commands: titles, links, the clipboard
    rb"|\x1b\[[0-?]*+[ -/]*+[@-~]"  # colours, cursor
    rb"|\x1b[PX^_][^\x1b]*+(?:\x1b\\|$)"
    rb"|\x1b[ -/]*+[0-~]"
)
_BREAK = re.compile(rb"[\r\n]+")

_STEP = ("step", "steps", "global_step", "iter", "iters", "iteration", "it", "epoch")
_LOSS = ("loss", "train_loss", "training_loss")
_METRIC = ("val_bpb", "val_loss", "valid_loss", "validation_loss", "eval_loss")
_LR_MULTIPLIER = ("lrm", "lr_mult", "lr_multiplier")
_SPEED = ("tok/sec", "tok/s", "tokens/s", "tokens/sec", "tok_per_sec", "tokens_per_sec", "tokens_per_second")


@dataclass(frozen=True, slots=True)
class Sample:
    """One point of a live curve, as the experiment printed it."""

    step: int
    progress: float | None = None
    """Share of the budget, 0 to 1, when the line says so."""
    loss: float | None = None
    metric: float | None = None
    """Printed under the task's metric name, else as a validation loss."""
    lr_multiplier: float | None = None
    speed: float | None = None
    """Tokens per second."""


class Records:
    """Feed it chunks as they arrive; a record is complete when `\\r` or `\\n` follows it, or at `finish`."""

    def __init__(self, metric: str | None = None) -> None:
        self._metric = ((_name(metric),) if metric else ()) + _METRIC
        self._partial = b""
        self._skipping = False
        self._last_step = -1
        self._counting = False

    def feed(self, chunk: bytes) -> list[Sample]:
        """The samples that `chunk` completes. Never raises, whatever the bytes."""
        lines = _BREAK.split(self._partial + chunk)
        self._partial = lines.pop()
        if self._skipping and lines:
            lines[0] = b""
            self._skipping = False
        samples = [sample for line in lines if (sample := self._read(line))]
        if len(self._partial) > LINE_BYTES:
            if not self._skipping and (sample := self._read(self._partial)):
                samples.append(sample)
            self._partial, self._skipping = b"", True
        return samples

    def finish(self) -> list[Sample]:
        """The last record, when nothing ended it: step lines begin with their `\\r`."""
        line, self._partial = self._partial, b""
        sample = None if self._skipping else self._read(line)
        return [sample] if sample else []

    def _read(self, line: bytes) -> Sample | None:
        line = line[:LINE_BYTES]
        if not _TELLING.search(line):
            return None
        if b"\x1b" in line:
            line = _CONTROL.sub(b"", line)
        sample = _karpathy(line) or self._general(line)
        if sample:
            self._last_step = sample.step
        return sample

    def _general(self, line: bytes) -> Sample | None:
        values, totals = _pairs(line)
        bar = _TQDM.search(line)
        if bar and "step" not in values:
            values["step"], totals["step"] = float(bar[1]), float(bar[2])
        key = next((key for key in _STEP if 0 <= values.get(key, -1) < 1e15), None)
        if key is None:
            return None
        loss, metric, speed = (_first(values, names) for names in (_LOSS, self._metric, _SPEED))
        if loss is None and metric is None and (speed is None or bar):
            return None
        return Sample(
            step=self._step(key, values[key]),
            progress=_progress(line, values[key], totals.get(key)),
            loss=loss,
            metric=metric,
            lr_multiplier=_first(values, _LR_MULTIPLIER),
            speed=speed,
        )

    def _step(self, key: str, value: float) -> int:
        """Hugging Face prints epochs like 0.31 and nothing else: then the records are counted instead."""
        self._counting = self._counting or (key == "epoch" and value != int(value))
        return self._last_step + 1 if self._counting else int(value)


def _karpathy(line: bytes) -> Sample | None:
    """`step 00797 (99.5%) | loss: 2.774460 | lrm: 0.01 | dt: 374ms | tok/sec: 1,403,063 | ...`."""
    found = _KARPATHY.search(line)
    if not found:
        return None
    return Sample(
        step=int(found[1]),
        progress=min(1.0, float(found[2]) / 100),
        loss=_float(found[3]),
        lr_multiplier=_float(found[4]),
        speed=_float(found[5]),
    )


def _pairs(line: bytes) -> tuple[dict[str, float], dict[str, float]]:
    """Every named number on the line, the last of a name; and the totals, as of `step 10/100`."""
    if line.startswith(b"{") and line.rstrip().endswith(b"}"):
        try:
            return _named_numbers(json.loads(line)), {}
        except (ValueError, RecursionError):
            pass  # a Python dict, or nobody's
    values: dict[str, float] = {}
    totals: dict[str, float] = {}
    for found in _PAIR.finditer(line):
        name = _name(found[1].decode(errors="replace"))
        if found[2] is not None:
            values[name] = _float(found[2])
        elif name in _STEP:
            values[name], totals[name] = float(found[3]), float(found[4])
    return values, totals


def _named_numbers(record: object) -> dict[str, float]:
    if not isinstance(record, dict):
        return {}
    return {
        _name(name): _as_float(value)
        for name, value in record.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _as_float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an int of 400 digits
        return math.inf if number > 0 else -math.inf


def _name(printed: str) -> str:
    """`train/loss`, `Train Loss` and `train_loss` are one name."""
    name = printed.lower().replace(" ", "_")
    return name if name in _SPEED else name.replace("/", "_").replace("-", "_")


def _first(values: dict[str, float], names: tuple[str, ...]) -> float | None:
    return next((values[name] for name in names if name in values), None)


def _progress(line: bytes, step: float, total: float | None) -> float | None:
    if percent := _PERCENT.search(line):
        return min(1.0, float(percent[1]) / 100)
    return min(1.0, step / total) if total else None


def _float(number: bytes) -> float:
    return float(number.replace(b",", b""))
