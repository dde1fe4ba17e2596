"""A run's settings: what is fixed when it is made."""

import inspect
from itertools import pairwise

import pytest
from pydantic import BaseModel, ValidationError

from loopwatch.engine import config
from loopwatch.engine.config import Gates, RunConfig, StopConditions
from loopwatch.engine.forecast import FORECASTERS, forecaster
from loopwatch.engine.registry import PROPOSERS, STRATEGIES
from loopwatch.engine.strategies import strategy


def test_settings_survive_being_written_down() -> None:
    settings = RunConfig(
        run="sine-1", task="sine", gates=Gates(apply="ask:60=veto"), stop=StopConditions(hours=8, target=1.5)
    )

    assert RunConfig.model_validate_json(settings.model_dump_json()) == settings


def test_without_a_word_every_gate_asks_and_ten_failures_end_the_run() -> None:
    settings = RunConfig(run="sine-1", task="sine")

    assert settings.gates.model_dump() == dict.fromkeys(("tool", "apply", "run", "verdict", "rewrite"), "ask")
    assert settings.stop.model_dump(exclude_none=True) == {"failures": 10, "invalid": 2}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("gates", {"apply": "perhaps"}, "'perhaps' is no gate policy; use auto, ask"),
        ("gates", {"aply": "ask"}, "Extra inputs are not permitted"),
        ("stop", {"experiments": 0}, "greater than or equal to 1"),
        ("stop", {"hours": -1}, "greater than 0"),
        ("margin_sigma", -0.1, "greater than or equal to 0"),
        ("seed", "one", "valid integer"),
        ("gates", {"apply": "shadow"}, "'shadow' is a policy of the run gate; for the apply gate use auto, ask"),
        ("gates", {"verdict": "off"}, "'off' is a policy of the run gate; for the verdict gate use auto, ask"),
        ("error_budget", 0, "greater than 0"),
        ("error_budget", 0.51, "less than or equal to 0.5"),
        ("audit", 1.1, "less than or equal to 1"),
        ("audit", -0.1, "greater than or equal to 0"),
        ("check_seconds", 0, "greater than 0"),
        ("colour", "red", "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(field: str, value: object, said: str) -> None:
    with pytest.raises(ValidationError, match=said) as error:
        RunConfig.model_validate({"run": "r", "task": "sine", field: value})

    assert error.value.errors()[0]["loc"][0] == field


def test_the_run_gate_may_be_in_shadow_or_off() -> None:
    assert Gates(run="shadow").run == "shadow"
    assert Gates(run="off").run == "off"


def test_without_a_word_one_abort_in_twenty_is_audited_and_one_good_one_in_twenty_may_be_lost() -> None:
    settings = RunConfig(run="sine-1", task="sine")

    assert (settings.forecaster, settings.error_budget, settings.audit) == ("learned", 0.05, 0.05)
    assert settings.check_seconds is None


def test_every_forecaster_can_be_found_by_its_name() -> None:
    assert [forecaster(name).name for name in FORECASTERS] == list(FORECASTERS)


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


@pytest.mark.parametrize(
    ("field", "there"),
    [
        ("strategy", "arena, hyperagent, noise, reviewer, simple"),
        ("proposer", ", ".join(sorted(PROPOSERS))),
        ("forecaster", "learned, power-law, best-curve, halving, median, never"),
    ],
)
def test_a_name_that_nobody_knows_is_answered_with_those_there_are(field: str, there: str) -> None:
    with pytest.raises(ValidationError, match=f"no {field} 'magic'; there are: {there}"):
        RunConfig.model_validate({"run": "r", "task": "t", field: "magic:x"})
