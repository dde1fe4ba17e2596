"""A comparison's record: found again whole, or said to be broken."""

from pathlib import Path

import pytest

from loopwatch.engine.comparison import Cell, Comparison, Hidden
from loopwatch.engine.errors import ConfigError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOPWATCH_HOME", str(tmp_path))
    return tmp_path


def test_what_was_kept_is_found_again() -> None:
    cell = Cell(level="simple", task="/t", repeat=1, run="t-1", hidden=Hidden(experiment=3, baseline=1, best=2))
    made = Comparison(name="one", settings={"proposer": "random", "stop": {"experiments": 3}}, cells=[cell])
    made.keep()

    assert Comparison.find("one") == made
    assert Comparison.find("two") is None


def test_a_record_that_cannot_be_read_is_an_error_that_says_what_to_do(home: Path) -> None:
    (home / "comparisons").mkdir()
    (home / "comparisons" / "one.json").write_text("{")

    with pytest.raises(ConfigError, match=r"one\.json cannot be read .* begin again with --fresh"):
        Comparison.find("one")


def test_the_same_question_has_the_same_name() -> None:
    asked = {"proposer": "random", "seed": 1}

    assert Comparison.name_of(asked, ["simple"], ["snake"], 2) == Comparison.name_of(
        dict(reversed(asked.items())), ["simple"], ["snake"], 2
    )
    assert Comparison.name_of(asked, ["simple"], ["snake"], 2) != Comparison.name_of(asked, ["simple"], ["snake"], 3)
