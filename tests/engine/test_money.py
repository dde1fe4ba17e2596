"""What tokens cost: each kind at its own rate, long prompts at theirs, and what nobody knows stays unknown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from loopwatch.engine.books import shipped_prices
from loopwatch.engine.money import ModelPrice, Price, Prices, Spent, Usage, dollars

tokens = st.integers(0, 2_000_000)
rates = st.floats(0, 1000)
usages = st.builds(Usage, input=tokens, output=tokens, cache_read=tokens, cache_write_5m=tokens, cache_write_1h=tokens)
prices = st.builds(Price, input=rates, output=rates, cache_write_5m=rates, cache_write_1h=rates, cache_read=rates)
short = st.builds(ModelPrice, input=rates, output=rates, cache_write_1h=st.none() | rates, cache_read=st.none() | rates)
stepped = st.builds(ModelPrice, input=rates, output=rates, cache_read=rates, above=st.integers(1, 10**6), long=prices)


@pytest.mark.parametrize(
    ("model", "usage", "usd"),
    [
        ("claude-sonnet-5-5", Usage(input=46_000, output=3_000), 0.122),
        ("claude-sonnet-5-5", Usage(input=6_000, cache_read=40_000, output=3_000), 0.046),
        ("claude-opus-5-5", Usage(input=6_000, cache_read=40_000, output=3_000), 0.092),
        ("claude-opus-5-5", Usage(input=6_000, cache_write_1h=40_000, output=3_000), 0.404),
        ("claude-haiku-5-5", Usage(cache_write_5m=100_000), 0.0125),
        ("claude-haiku-5-5", Usage(cache_write_5m=100_001), 0.062500625),
    ],
)
def test_known_models_cost_what_their_price_list_says(model: str, usage: Usage, usd: float) -> None:
    assert shipped_prices().usd(model, usage) == pytest.approx(usd, abs=1e-12)


@given(prices, usages, usages)
def test_two_requests_cost_as_much_as_their_tokens_in_one(price: Price, one: Usage, other: Usage) -> None:
    both = Usage.model_validate({name: getattr(one, name) + getattr(other, name) for name in Usage.model_fields})

    assert price.of(both) == pytest.approx(price.of(one) + price.of(other), abs=1e-9)


@given(short | stepped, usages, tokens, tokens)
def test_no_request_costs_more_than_the_worst_that_was_said_before(
    price: ModelPrice, usage: Usage, longer: int, more: int
) -> None:
    worst = price.worst(usage.prompt + longer, usage.output + more)

    assert price.of(usage) <= worst * (1 + 1e-12) + 1e-12


@given(usages, rates, rates)
def test_a_cache_without_a_price_costs_what_reading_anew_does(usage: Usage, read: float, written: float) -> None:
    price = ModelPrice(input=read, output=written)

    assert price.of(usage) == pytest.approx((usage.prompt * read + usage.output * written) / 1e6, abs=1e-9)


@given(st.lists(st.tuples(usages, st.none() | st.floats(0, 100), st.booleans())))
def test_what_is_taken_back_leaves_nothing(requests: list[tuple[Usage, float | None, bool]]) -> None:
    spent = Spent()

    for usage, usd, estimated in requests:
        spent.add(usage, usd, estimated=estimated)
    for usage, usd, estimated in requests:
        spent.add(usage, usd, estimated=estimated, sign=-1)

    assert spent.usd == pytest.approx(0, abs=1e-9)
    assert (spent.requests, spent.unpriced, spent.estimated, spent.prompt_tokens, spent.output_tokens) == (0,) * 5


@given(usages)
def test_a_model_that_nobody_knows_has_no_cost_at_all(usage: Usage) -> None:
    known = shipped_prices()

    assert known.usd("my-model", usage) is None
    assert known.worst("my-model", prompt=usage.prompt, output=usage.output) is None


@pytest.mark.parametrize(
    ("model", "price"),
    [
        ("claude-opus-5", 5),
        ("claude-opus-5-20260601", 5),
        ("claude-opus-5@20260601", 5),
        ("claude-opus-5-latest", 5),
        ("claude-opus-5-5-20260601", 4),
        ("qwen3:8b", 1),
        ("qwen3-8b", 1),
        ("claude-opus-5-6", None),
        ("claude-opus-5-6-20270101", None),
        ("claude-opus-50", None),
        ("qwen3.5", None),
        ("claude", None),
        ("", None),
    ],
)
def test_a_price_goes_by_the_beginning_of_the_name_but_not_to_another_version(model: str, price: float | None) -> None:
    known = shipped_prices().with_overrides(Prices(models={"qwen3": ModelPrice(input=1, output=1)}))

    found = known.of(model)

    assert (found.input if found else None) == price


def test_a_price_of_one_s_own_replaces_the_shipped_one_and_no_other() -> None:
    known = shipped_prices().with_overrides(Prices(models={"claude-opus-5": ModelPrice(input=1, output=2)}))

    assert known.usd("claude-opus-5", Usage(input=10**6, output=10**6)) == 3
    assert known.usd("claude-opus-5-5", Usage(input=10**6, output=10**6)) == 24


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"input": -1, "output": 1}, "greater than or equal to 0"),
        ({"input": float("inf"), "output": 1}, "finite number"),
        ({"input": 1}, "Field required"),
        ({"input": 1, "output": 1, "above": 5}, "`above` and `long` go together"),
        ({"input": 1, "output": 1, "long": {"input": 1, "output": 1}}, "`above` and `long` go together"),
        ({"input": 1, "output": 1, "cached": 1}, "Extra inputs are not permitted"),
    ],
)
def test_a_price_that_makes_no_sense_is_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        ModelPrice.model_validate(fields)


@pytest.mark.parametrize(
    ("usd", "said"), [(None, "unknown cost"), (0, "$0.00"), (0.0042, "$0.0042"), (0.126, "$0.13"), (12, "$12.00")]
)
def test_money_in_words(usd: float | None, said: str) -> None:
    assert dollars(usd) == said
