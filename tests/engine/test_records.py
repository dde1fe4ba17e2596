"""Output of many trainers, and of nobody's, as points of a curve."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine.records import LINE_BYTES, Records, Sample

KARPATHY = (
    b"\rstep 00797 (99.5%) | loss: 2.774460 | lrm: 0.01 | dt: 374ms | tok/sec: 1,403,063 | mfu: 78.5% | epoch: 1"
    b" | remaining: 1s    "
)


@pytest.mark.parametrize(
    ("line", "sample"),
    [
        (KARPATHY, Sample(797, progress=0.995, loss=2.77446, lr_multiplier=0.01, speed=1403063)),
        (b"iter 10: loss 2.3100, time 12.20ms, mfu 1.00%", Sample(10, loss=2.31)),
        (b"step 250: train loss 2.4000, val loss 2.5000", Sample(250, loss=2.4, metric=2.5)),
        (b"step:100/1000 train_loss:4.2000 train_time:100ms step_avg:1.0ms", Sample(100, progress=0.1, loss=4.2)),
        (b"step:1000/1000 val_loss:3.2800 train_time:9ms", Sample(1000, progress=1.0, metric=3.28)),
        (b'{"step": 3, "train/loss": 2.5, "val_bpb": 2.25, "tok_per_sec": 10}', Sample(3, None, 2.5, 2.25, None, 10)),
        (b"{'loss': 2.1, 'learning_rate': 1e-4, 'epoch': 2.0}", Sample(2, loss=2.1)),
        (b"Epoch [2/5], Step [100/600], Loss: 0.125", Sample(100, progress=1 / 6, loss=0.125)),
        (b"step=5 loss=1e-3 lrm=0.5", Sample(5, loss=0.001, lr_multiplier=0.5)),
        (b"\x1b[32mstep\x1b[0m 5 \x1b]0;title\x07loss: 1.5", Sample(5, loss=1.5)),
        (b"step 7 accuracy: 0.75 val_loss: 2.0", Sample(7, metric=0.75)),
        (b"step 7 loss: -inf", Sample(7, loss=-math.inf)),
        (b'{"step": 7, "loss": Infinity}', Sample(7, loss=math.inf)),
        (" 45%|████▌     | 45/100 [00:10<00:12,  4.5it/s, loss=2.31]".encode(), Sample(45, progress=0.45, loss=2.31)),
    ],
)
def test_a_trainer_s_line_is_a_point(line: bytes, sample: Sample) -> None:
    records = Records(metric="accuracy")

    assert records.feed(line + b"\n") == [sample]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"loss: 2.5",
        b"val_bpb:          0.997900",
        b"the next step 3 is to lose weight",
        b"step=5 loss=1_0.5",
        b"step=5 loss=0x10",
        b"step=5.5.5 loss=1.0",
        b"step=-5 loss=1.0",
        b"step=99999999999999999999 loss=1",
        b'{"step": true, "loss": 1.0}',
        b'{"step": [1], "loss": 1.0}',
        "step=٣ loss=1.0".encode(),
        " 45%|████▌     | 45/100 [00:10<00:12,  4.5it/s]".encode(),
        b"Downloading 10/20 files",
    ],
)
def test_other_lines_are_not(line: bytes) -> None:
    assert Records().feed(line + b"\n") == []


def test_not_a_number_stays_what_it_is() -> None:
    (sample,) = Records().feed(b"step 3 loss: nan\n")

    assert sample.loss is not None
    assert math.isnan(sample.loss)


def test_a_record_waits_for_its_end() -> None:
    records = Records()

    assert records.feed(KARPATHY) == []
    assert [sample.step for sample in records.feed(KARPATHY[:10])] == [797]
    assert records.finish() == []


def test_the_last_record_may_have_no_end() -> None:
    records = Records()
    records.feed(KARPATHY)

    assert [sample.step for sample in records.finish()] == [797]


def test_records_are_counted_when_only_broken_epochs_are_printed() -> None:
    lines = b"".join(b"{'loss': 2.0, 'epoch': %.2f}\n" % (i / 4) for i in range(1, 9))

    assert [sample.step for sample in Records().feed(lines)] == list(range(8))


def test_of_a_very_long_line_the_beginning_is_read_once() -> None:
    records = Records()
    samples = [s for _ in range(100) for s in records.feed(b"step 3 loss: 2.0 " + b"x" * LINE_BYTES)]

    assert [sample.step for sample in samples] == [3]
    assert [sample.step for sample in records.feed(b" step 4 loss: 1.0\nstep 5 loss: 1.0\n")] == [5]


@given(
    st.lists(st.binary(max_size=200) | st.sampled_from([KARPATHY, b"step 1 loss 2\n", b"\r", b'{"step":', b"\x1b["]))
)
def test_any_bytes_in_any_pieces_give_the_same_points(pieces: list[bytes]) -> None:
    in_pieces, at_once = Records(), Records()
    samples = [sample for piece in pieces for sample in in_pieces.feed(piece)]

    assert repr(samples + in_pieces.finish()) == repr(at_once.feed(b"".join(pieces)) + at_once.finish())


@pytest.mark.parametrize(
    "hostile",
    [
        b"step" + b"a" * LINE_BYTES,
        b"step " + b"a " * 8000,
        b"step " + b"1,234" * 3000,
        b"step " + b" " * LINE_BYTES,
        b"step " + b"\x1b]" * 8000,
        b"step " + b"\x1b[" + b"0" * LINE_BYTES,
        b"step " + b"5%|" * 5000,
        b"step 1 (5%) | loss: 1 | lrm: 1 |" * 500,
        b'{"step":' + b"[" * 16000 + b"}",
    ],
)
def test_no_line_takes_long(hostile: bytes) -> None:
    began = time.process_time()
    Records().feed(hostile[:LINE_BYTES] + b"\n")

    assert time.process_time() - began < 0.25  # measured: 1 to 3 ms


def test_a_flood_is_read_in_passing() -> None:
    plain = b"a plain line of output about nothing in particular 12345\n" * 20_000
    telling = KARPATHY * 2_000
    began = time.process_time()
    Records().feed(plain)
    Records().feed(telling)

    assert time.process_time() - began < 2  # measured: 0.1 s
