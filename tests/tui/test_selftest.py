"""What `loopwatch selftest` says, and what becomes of texts."""

from pathlib import Path

import pytest

from loopwatch.engine.findings import Breach, Check, Finding, Report
from loopwatch.tui.selftest import drawn, told

from .command import Command


def case(name: str, **more: object) -> Finding:
    said = {"id": name, "kind": "train", "category": "forge", "title": f"{name}'s title", "expected": "reverted"}
    return Finding.model_validate({**said, "got": "reverted", **more})


def lines(*findings: Finding, **more: object) -> str:
    report = {"what": "attacks", "tier": "sealed", "made_of": "namespaces", "findings": findings, **more}
    return "\n".join(told(Report.model_validate(report)))


def test_a_report_adds_up_in_one_sentence() -> None:
    said = lines(
        case("a1"),
        case("a2", got="accepted"),
        case("a3", breaches=(Breach(where="socket", detail="somebody came", listed=True),)),
        case("b1", category="benign", benign=True, expected="accepted", got="failed"),
    )

    assert (
        "Of 3 attacks 1 counted as an improvement; none got at something that should be closed, 1 at what is said"
        in said
    )
    assert "of 1 honest cases 1 was refused." in said
    assert "a2: a2's title" in said
    assert "socket: somebody came, as is said of this containment" in said


def test_what_a_case_says_cannot_draw_on_the_screen() -> None:
    said = lines(case("a1", got="accepted", title="\x1b]0;all is well\x07", why="\x9b2J"))

    assert "\x1b" not in said
    assert "\x9b" not in said


def test_a_trial_is_told_in_its_sentence() -> None:
    said = lines(checks=(Check(name="control", ok=True, sentence="The run did not start."),))

    assert "✓ The run did not start." in said
    assert said.endswith("All is well.")


@pytest.mark.parametrize(
    "text", ["\x1b]52;c;aGk=\x07", "a\x9b2J", "\u202eab\u202c", "\u200b\U000e0041", "\x1bPq\x1b\\"]
)
def test_hostile_text_is_inert_however_it_is_shown(text: str) -> None:
    finding = case("g", kind="text", expected="inert", got="inert", text=text)
    report = Report(what="attacks", findings=(finding,)).drawn(drawn)

    assert report.findings[0].got == "inert"
    assert report.ok


def test_ordinary_text_stays_as_it_is() -> None:
    finding = case(
        "z",
        kind="text",
        category="benign",
        benign=True,
        expected="unchanged",
        got="inert",
        text="1\tloss 損失 ✅ café\n",
    )
    report = Report(what="attacks", findings=(finding,)).drawn(drawn)

    assert report.findings[0].got == "unchanged"


def test_a_folder_that_is_no_corpus_is_explained(tmp_path: Path) -> None:
    done = Command(tmp_path)("selftest", "attacks", "--corpus", str(tmp_path))

    assert done.returncode == 1
    assert "a corpus is a folder with a manifest.json" in done.stderr
