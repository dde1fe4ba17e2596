"""A run's settings: what is fixed when it is made."""

import inspect
from itertools import pairwise

import pytest
from pydantic import BaseModel, ValidationError

from loopwatch.engine import config
from loopwatch.engine.config import Gates, RunConfig, StopConditions
from loopwatch.engine.registry import STRATEGIES
from loopwatch.engine.strategies import strategy


def test_settings_survive_being_written_down() -> None:
    settings = RunConfig(
        run="sine-1", task="sine", gates=Gates(apply="ask:60=veto"), stop=StopConditions(hours=8, target=1.5)
    )

    assert RunConfig.model_validate_json(settings.model_dump_json()) == settings


def test_without_a_word_every_gate_asks_and_ten_failures_end_the_run() -> None:
    settings = RunConfig(run="sine-1", task="sine")

    assert settings.gates.model_dump() == {"apply": "ask", "run": "ask", "verdict": "ask"}
    assert settings.stop.model_dump(exclude_none=True) == {"failures": 10}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("gates", {"apply": "perhaps"}, "'perhaps' is no gate policy; use auto, ask"),
        ("gates", {"aply": "ask"}, "Extra inputs are not permitted"),
        ("stop", {"experiments": 0}, "greater than or equal to 1"),
        ("stop", {"hours": -1}, "greater than 0"),
        ("margin_sigma", -0.1, "greater than or equal to 0"),
        ("seed", "one", "valid integer"),
        ("colour", "red", "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(field: str, value: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said) as error:
        RunConfig.model_validate({"run": "r", "task": "sine", field: value})

    assert error.value.errors()[0]["loc"][0] == field


@pytest.mark.parametrize("model", [Gates, StopConditions, RunConfig])
def test_every_setting_is_explained_by_a_sentence(model: type[BaseModel]) -> None:
    lines = [line.strip() for line in inspect.getsource(model).splitlines()]
    explained = {line.partition(":")[0] for line, below in pairwise(lines) if below.startswith('"""')}
    plain = {name for name, field in model.model_fields.items() if not _is_section(field.annotation)}

    assert plain <= explained
    assert inspect.getdoc(config)


def _is_section(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def test_every_strategy_can_be_found_by_its_name() -> None:
    assert all(inspect.iscoroutinefunction(strategy(name)) for name in STRATEGIES)


@pytest.mark.parametrize(("field", "there"), [("strategy", "simple"), ("proposer", "random, scripted")])
def test_a_name_that_nobody_knows_is_answered_with_those_there_are(field: str, there: str) -> None:
    with pytest.raises(ValidationError, match=f"no {field} 'magic'; there are: {there}"):
        RunConfig.model_validate({"run": "r", "task": "t", field: "magic:x"})
