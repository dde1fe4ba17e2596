"""Changes: one idea in many places is one, two ideas next to each other are two."""

import random

import pytest

from loopwatch.engine.editing.changes import changes

SOURCE = '''\
"""Train."""

import math

LR = 0.01
WARMUP = 10
CONFIG = dict(lr=1, decay=2)


class Config:
    width: int = 64
    depth: int = 2


class Block:
    def __init__(self, width, bias):
        self.width = width
        self.bias = bias

    def forward(self, x):
        x = x * self.width
        return x + self.bias


def rate(step):
    """How bold."""
    if step < WARMUP:
        return LR * step / WARMUP
    return LR


def train(model):
    x = 1
    for step in range(100):
        loss = model.forward(x)
        loss = loss * rate(step)
    return loss


block = Block(width=Config.width, bias=0)
print(train(block))
'''


def after(*replacements: tuple[str, str]) -> dict[str, str]:
    text = SOURCE
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    return {"train.py": text}


@pytest.mark.parametrize(
    ("replacements", "count"),
    [
        pytest.param([("LR = 0.01", "LR = 0.02")], 1, id="one setting"),
        pytest.param([("LR = 0.01\nWARMUP = 10", "LR = 0.02\nWARMUP = 20")], 2, id="two settings side by side"),
        pytest.param([("width: int = 64\n    depth: int = 2", "width: int = 32\n    depth: int = 4")], 2, id="two fields"),
        pytest.param([("LR = 0.01", "LR = 0.02"), ("return LR\n", "return LR / 2\n")], 1, id="a setting and its use"),
        pytest.param([("LR", "PEAK")], 1, id="a setting with another name, and its uses"),
        pytest.param([("LR = 0.01", "PEAK = 0.01")], 1, id="a setting that takes the place of another"),
        pytest.param([("rate(", "schedule(")], 1, id="a function with another name, and its caller"),
        pytest.param(
            [("def rate", "def cosine(t):\n    u = math.pi * t\n\n    return math.cos(u)\n\n\ndef rate")], 1, id="a new function"
        ),
        pytest.param(
            [("def rate", "def cosine(t):\n    return math.cos(t)\n\n\ndef rate"), ("* step / WARMUP", "* cosine(step)")], 1,
            id="a new function and its caller",
        ),
        pytest.param([("import math", "import cmath"), ("return LR\n", "return cmath.pi\n")], 1, id="an import and its use"),
        pytest.param([("self.bias = bias", "self.bias = -bias"), ("x + self.bias", "x - self.bias")], 1, id="an attribute"),
        pytest.param([("self, width, bias", "self, width, shift"), ("bias=0", "shift=0")], 1, id="a parameter and its keyword"),
        pytest.param([("x = 1\n", "x = 2\n"), ("model.forward(x)", "model.forward(x + 1)")], 1, id="a local variable and its use"),
        pytest.param([("x = 1\n", "x = 2\n"), ("x = x * self", "x = 2 * x * self")], 2, id="two variables of one name"),
        pytest.param([("if step < WARMUP", "if step <= WARMUP"), ("x = 1\n", "x = 2\n")], 2, id="two functions"),
        pytest.param(
            [("loss = model.forward(x)\n        loss = loss *", "loss = model.forward(-x)\n        loss = loss -")], 1,
            id="neighbours in a function",
        ),
        pytest.param([("lr=1, decay=2", "lr=2, decay=3")], 1, id="two entries of one dictionary"),
        pytest.param([("LR = 0.01", "LR = 0.01  # bold")], 1, id="a comment"),
        pytest.param([('"""How bold."""', '"""How bold it is."""'), ("WARMUP = 10", "WARMUP = 20")], 1, id="a docstring and a setting"),
        pytest.param([("range(100)", "range(200)"), ("loss = loss * rate", "loss = 2 * loss * rate")], 1, id="a loop and its body"),
    ],
)  # fmt: skip
def test_what_belongs_together_is_one_change(replacements: list[tuple[str, str]], count: int) -> None:
    assert changes({"train.py": SOURCE}, after(*replacements)) == count


def test_a_name_binds_files_together() -> None:
    before = {"model.py": "WIDTH = 1\n", "train.py": "from model import WIDTH\nprint(WIDTH)\n"}
    renamed = {"model.py": "SIZE = 1\n", "train.py": "from model import SIZE\nprint(SIZE)\n"}
    apart = {"model.py": "WIDTH = 2\n", "train.py": "from model import WIDTH\nprint('x')\n"}

    assert changes(before, renamed) == 1
    assert changes(before, apart) == 1
    assert changes(before, {**before, "model.py": "WIDTH = 2\n", "new.py": "def f():\n    return 1\n"}) == 2


@pytest.mark.parametrize("path", ["config.yaml", "train.py"])
def test_what_cannot_be_parsed_counts_the_places_that_were_changed(path: str) -> None:
    assert changes({path: "a: 1: 2\nb: 1\nc: 1\n"}, {path: "a: 1: 3\nb: 1\nc: 2\n"}) == 2


def test_code_that_is_nested_very_deeply_is_counted_somehow() -> None:
    deep = "x = " + "-" * 50_000 + "1\n"

    assert changes({"train.py": deep}, {"train.py": deep + "y = 1\n"}) == 1


def test_two_lines_written_again_and_again_do_not_keep_the_engine_busy() -> None:
    dice = random.Random(1)
    before, after = ("".join(dice.choice(("x = 1\n", "y = 2\n")) for _ in range(lines)) for lines in (3000, 60_000))

    assert changes({"train.txt": before}, {"train.txt": after}) == 1
