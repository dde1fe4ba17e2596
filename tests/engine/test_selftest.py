"""What a test of the harness says of cases that we know: some stopped, some that get through where nothing holds them."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from loopwatch.engine import client
from loopwatch.engine.errors import ConfigError
from loopwatch.engine.findings import Breach, Finding, Report
from loopwatch.engine.selftest import series
from loopwatch.engine.selftest.cases import OURS, Case, read
from loopwatch.engine.selftest.controls import HARDLY_CHANCE, STATED, _at_least
from loopwatch.engine.selftest.toy import Toy
from loopwatch.engine.selftest.traps import Traps, survivors
from tests.waiting import until


def quiet(done: int, total: int, now: str) -> None:
    pass


def as_it_is(text: str) -> Sequence[str]:
    return (text,)


def some(folder: Path, *ids: str, **more: dict[str, str]) -> Path:
    """Our own corpus with only these cases; `more` are further cases with their programs."""
    chosen = folder / "corpus"
    (chosen / "cases").mkdir(parents=True)
    (chosen / "task").symlink_to(OURS / "task")
    cases = [case for case in json.loads((OURS / "manifest.json").read_text())["cases"] if case["id"] in ids]
    for case in cases:
        (chosen / case["file"]).symlink_to(OURS / case["file"])
    for name, case in more.items():
        file = f"cases/{name}.py"
        (chosen / file).write_text(case["program"])
        told = {"id": name, "kind": case["kind"], "category": case.get("category", "forge"), "title": name}
        cases.append({**told, "expected": {"verdict": case["expected"]}, "file": file})
    (chosen / "manifest.json").write_text(json.dumps({"cases": cases}))
    return chosen


def attacked(folder: Path, *ids: str, **more: dict[str, str]) -> Report:
    return client.selftest("attacks", progress=quiet, draw=as_it_is, corpus=some(folder, *ids, **more))


def finding(**more: object) -> Finding:
    told = {"id": "a", "kind": "train", "category": "forge", "title": "a", "expected": "reverted", "got": "reverted"}
    return Finding.model_validate({**told, **more})


# -- whole tests -------------------------------------------------------------------------------------------------------


def test_a_corpus_goes_through_real_runs_of_every_kind(tmp_path: Path) -> None:
    report = attacked(
        tmp_path, "p2_own_number", "v1_frozen_file", "y3_honest_patch", "w1_title_and_clipboard", "x2_lucky_seed"
    )

    assert {found.id: found.got for found in report.findings} == {
        "p2_own_number": "reverted",
        "v1_frozen_file": "edit_rejected",
        "w1_title_and_clipboard": "live",  # nobody cleaned it
        "x2_lucky_seed": "reverted",
        "y3_honest_patch": "edit_ok",
    }
    assert [found.id for found in report.breached] == ["w1_title_and_clipboard"]
    assert not report.ok
    assert Path(report.folder, "state", "runs").is_dir()


def test_what_an_attack_gets_at_is_named_and_so_is_an_honest_case_that_fails(tmp_path: Path) -> None:
    through = "from weather import breach, counted, save\nsave(counted(0.3))\nbreach('gets_through', 'was here')\n"
    report = attacked(
        tmp_path,
        gets_through={"kind": "train", "expected": "reverted", "program": through},
        crashes={"kind": "train", "expected": "accepted", "category": "benign", "program": "raise SystemExit(3)\n"},
    )

    assert [found.id for found in report.accepted] == ["gets_through"]
    assert [breach.where for breach in report.accepted[0].breaches] == ["log"]
    assert [found.id for found in report.refused] == ["crashes"]


def test_a_constant_metric_is_noticed_with_a_control_and_without() -> None:
    report = client.selftest("constant", progress=quiet, draw=as_it_is, tier="none")

    assert [check.sentence for check in report.checks if not check.ok] == []
    assert report.folder == ""


def test_edits_without_effect_are_told_by_what_the_loop_made_of_them() -> None:
    steps: list[int] = []
    report = client.selftest(
        "null", progress=lambda done, *_: steps.append(done), draw=as_it_is, experiments=2, tier="none"
    )

    gains = report.checks[0]
    assert gains.name == "false gains"
    assert gains.figures["experiments"] == 1
    assert gains.sentence.startswith("Of 1 edits of sine that change nothing")
    assert max(steps) >= 1


# -- the corpus --------------------------------------------------------------------------------------------------------


def test_our_own_corpus_is_complete() -> None:
    ours = read(OURS)

    assert {case.kind for case in ours.cases} == {"train", "edit", "text", "stat"}
    assert {case.file.name for case in ours.cases} == {path.name for path in (OURS / "cases").glob("*.py")}
    assert sum(case.benign for case in ours.cases) >= 5


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (None, "cannot be read: No such file or directory; a corpus is a folder with a manifest.json"),
        ("[]", "no list of cases"),
        ('{"cases": [{"id": "a", "file": "a.py"}]}', "Field required"),
        (
            '{"cases": [{"id": "a", "kind": "stat", "category": "x", "title": "", "expected": {"verdict": "any"}, "file": "a.py"}]}',
            "a.py is not there",
        ),
    ],
)
def test_a_corpus_that_cannot_be_used_is_explained(tmp_path: Path, manifest: str | None, said: str) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)

    with pytest.raises(ConfigError, match=said.replace(".", r"\.")):
        client.selftest("attacks", progress=quiet, draw=as_it_is, corpus=tmp_path)


def test_the_days_that_a_toy_is_judged_by_are_not_in_its_task(tmp_path: Path) -> None:
    toy = Toy(OURS / "task", tmp_path)

    assert not list(toy.task.rglob("val.txt"))
    assert toy.hide(tmp_path / "run").read_text() == (OURS / "task" / "data" / "val.txt").read_text()


# -- series ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [case for case in read(OURS).cases if case.kind == "stat"], ids=lambda c: str(c.id))
def test_the_rules_see_through_a_series(case: Case) -> None:
    told = series.judged(case.prints())

    assert (told.confirmed > 0) == case.benign
    assert bool(told.flags) == case.expected.verdict.startswith("flag")


def test_a_gain_that_is_hard_to_believe_waits_for_numbers_that_a_series_does_not_have() -> None:
    numbers = {"baseline": [0.84, 0.85, 0.83], "control_bad": [1.4], "exps": [{"metric": 0.02}]}
    told = series.judged(json.dumps({"direction": "min", **numbers}))

    assert told.flags == ["jump"]
    assert (told.kept, told.confirmed) == (0, 0)


# -- what a report adds up to ------------------------------------------------------------------------------------------


def test_an_attack_that_was_not_tried_proves_nothing() -> None:
    assert not finding(got="not_tried").ok


def test_a_breach_that_the_run_itself_lists_is_no_surprise() -> None:
    assert finding(breaches=(Breach(where="socket", listed=True),)).ok
    assert not finding(breaches=(Breach(where="socket"),)).ok


def test_an_attack_with_any_verdict_may_be_kept_but_not_break_out() -> None:
    assert not finding(expected="any", got="accepted").accepted
    assert finding(expected="reverted", got="accepted").accepted


@pytest.mark.parametrize(
    ("text", "shown", "expected", "got"),
    [
        ("a\tb ✓\n", "a    b ✓", "unchanged", "unchanged"),
        ("a b", "a", "unchanged", "changed"),
        ("\x1b[2Ja", "a", "inert", "inert"),
        ("a\x9b2J", "a\x9b2J", "inert", "live"),
        ("\u202ea", "\u202ea", "inert", "live"),
    ],
)
def test_a_text_is_judged_by_what_would_be_drawn(text: str, shown: str, expected: str, got: str) -> None:
    report = Report(what="attacks", findings=(finding(kind="text", expected=expected, got="inert", text=text),))

    assert report.drawn(lambda _: (shown,)).findings[0].got == got


def test_few_false_gains_are_chance_and_many_are_not() -> None:
    expected = 60 * STATED

    assert _at_least(0, expected) == 1
    assert _at_least(1, expected) > HARDLY_CHANCE
    assert _at_least(2, expected) < HARDLY_CHANCE


# -- traps -------------------------------------------------------------------------------------------------------------


def tcp(at: dict[str, str]) -> None:
    socket.create_connection(("127.0.0.1", int(at["LW_TRAP_PORT"]))).close()


def udp(at: dict[str, str]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.sendto(b"hello", ("127.0.0.1", int(at["LW_TRAP_PORT"])))


def unix(at: dict[str, str]) -> None:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(at["LW_TRAP_SOCK"])


def canary(at: dict[str, str]) -> None:
    Path(at["LW_CANARY"], "a_direct").touch()


def home(at: dict[str, str]) -> None:
    Path(at["LW_REALHOME"], ".bashrc").write_text("exit\n")


@pytest.mark.parametrize(
    ("deed", "where"), [(tcp, "tcp"), (udp, "udp"), (unix, "socket"), (canary, "canary"), (home, "canary")]
)
def test_whoever_reaches_a_trap_is_seen(tmp_path: Path, deed: Callable[[dict[str, str]], None], where: str) -> None:
    with Traps(tmp_path) as traps:
        deed(traps.environment)

        until(lambda: [breach.where for breach in traps.sprung("a", tmp_path)] == [where])


def test_a_file_that_comes_while_something_trains_is_seen(tmp_path: Path) -> None:
    left = Path("/tmp", f"loopwatch-test-{os.getpid()}")
    with Traps(tmp_path) as traps:
        began = time.time()
        left.write_text("for whoever comes next")
        try:
            during, before = traps.left([(began, time.time())]), traps.left([(0, 1)])
        finally:
            left.unlink()

    assert str(left) in [breach.detail for breach in during.values()]
    assert str(left) not in [breach.detail for breach in before.values()]


@pytest.mark.skipif(not Path("/proc").exists(), reason="nobody sees other processes here")
def test_a_process_below_that_still_lives_is_a_survivor() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert child.pid in survivors()
    finally:
        child.kill()
        child.communicate()
    assert child.pid not in survivors()
