"""When a gate asks a person."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine.policy import FORMS, RUN_ONLY, Gate, Occasion, parse, parse_for

SMALL = Occasion(lines=2, paths=("train.py",))


def test_auto_never_asks_and_takes_silence_for_yes() -> None:
    policy = parse("auto")

    assert not policy.asks_about(SMALL)
    assert policy.on_silence == "approve"


def test_ask_always_asks_and_waits_for_ever() -> None:
    policy = parse("ask")

    assert policy.asks_about(SMALL)
    assert policy.seconds is None
    assert policy.on_silence == "veto"


@pytest.mark.parametrize(
    ("text", "seconds", "silence"),
    [("ask:60=approve", 60, "approve"), ("ask:0.5=veto", 0.5, "veto"), ("ask:0=veto", 0, "veto")],
)
def test_a_deadline_says_what_silence_means(text: str, seconds: float, silence: str) -> None:
    policy = parse(text)

    assert policy.asks_about(SMALL)
    assert (policy.seconds, policy.on_silence) == (seconds, silence)


@pytest.mark.parametrize(
    ("rule", "occasion", "asks"),
    [
        ("lines>20", Occasion(lines=21), True),
        ("lines>20", Occasion(lines=20), False),
        ("files>1", Occasion(paths=("a", "b")), True),
        ("files>1", Occasion(paths=("a",)), False),
        ("path=train.py", Occasion(paths=("model.py", "train.py")), True),
        ("path=train.py", Occasion(paths=("my/train.py",)), False),
        ("gain>0.1", Occasion(gain=0.11), True),
        ("gain>0.1", Occasion(gain=0.1), False),
        ("gain<-0.5", Occasion(gain=-0.6), True),
        ("gain<1e-3", Occasion(gain=0.0005), True),
        ("gain<0", Occasion(gain=None), False),
    ],
)
def test_a_rule_asks_only_when_it_holds(rule: str, occasion: Occasion, asks: bool) -> None:
    assert parse(f"ask-if:{rule}").asks_about(occasion) is asks


def test_of_several_rules_one_is_enough() -> None:
    policy = parse("ask-if:lines>20,path=model.py")

    assert policy.asks_about(Occasion(lines=1, paths=("model.py",)))
    assert not policy.asks_about(Occasion(lines=1, paths=("train.py",)))


@pytest.mark.parametrize(
    "text",
    [
        "", "yes", "AUTO", "auto ", "ask:", "ask:60", "ask:60=maybe", "ask:-1=veto", "ask:nan=veto", "ask:inf=veto",
        "ask:1e9=veto", "ask:\u0663=veto", "ask:" + "9" * 400 + "=veto", "ask-if:", "ask-if:lines>", "ask-if:lines>x",
        "ask-if:lines>\u0663", "ask-if:lines<2", "ask-if:gain>nan", "ask-if:lines>2,", "ask-if:lines>2,nonsense",
        "ask-if:lines>" + "9" * 5000, "ask-if:path=",
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(ValueError, match="is no gate policy; use ") as refused:
        parse(text)

    assert str(refused.value) == f"{text!r} is no gate policy; use {FORMS}"


@pytest.mark.parametrize("text", RUN_ONLY)
def test_shadow_and_off_ask_nobody_and_are_policies_of_the_run_gate(text: str) -> None:
    assert parse_for("run", text) == parse(text)
    assert not parse(text).asks_about(SMALL)


@pytest.mark.parametrize("gate", ["apply", "verdict"])
@pytest.mark.parametrize("text", RUN_ONLY)
def test_shadow_and_off_mean_nothing_at_another_gate(gate: Gate, text: str) -> None:
    with pytest.raises(ValueError, match=f"'{text}' is a policy of the run gate; for the {gate} gate use auto, ask"):
        parse_for(gate, text)


def test_what_is_no_policy_is_none_of_any_gate() -> None:
    with pytest.raises(ValueError, match="'shadows' is no gate policy"):
        parse_for("run", "shadows")


SECONDS = st.floats(0, 1e9).map(lambda number: f"{number:.3f}")
RULES = st.one_of(
    st.integers(0, 10**9).map("lines>{}".format),
    st.integers(0, 10**9).map("files>{}".format),
    st.from_regex(r"path=[a-z/.]+", fullmatch=True),
    st.floats(-1e6, 1e6).map(lambda number: f"gain<{number:.4f}"),
)
POLICIES = st.one_of(
    st.sampled_from(["auto", "ask", *RUN_ONLY]),
    st.tuples(SECONDS, st.sampled_from(["approve", "veto"])).map(lambda pair: f"ask:{pair[0]}={pair[1]}"),
    st.lists(RULES, min_size=1).map(lambda rules: "ask-if:" + ",".join(rules)),
)
OCCASIONS = st.builds(Occasion, st.integers(0), st.lists(st.text()).map(tuple), st.none() | st.floats())


@given(POLICIES, OCCASIONS)
def test_a_policy_keeps_its_text_and_answers_every_occasion(text: str, occasion: Occasion) -> None:
    policy = parse(text)

    assert policy.text == text
    assert policy.asks_about(occasion) in (True, False)
