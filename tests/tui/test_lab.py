"""The lab command as an agent meets it: what it prints, what it refuses, and where it remembers."""

import json
import os
import shlex
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from loopwatch.engine import events
from loopwatch.tui.cli import main
from tests.engine.repositories import git, user_repository

from .command import judged, made_run, opened, proposed

Lab = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("LOOPWATCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("LOOPWATCH_RUN", raising=False)
    return tmp_path / "home"


@pytest.fixture
def lab(home: Path, capsys: pytest.CaptureFixture[str]) -> Lab:
    """`loopwatch lab`: its exit code, what it says, and its talk."""

    def call(typed: str) -> tuple[int, str, str]:
        try:
            code = main(["lab", *shlex.split(typed)])
        except SystemExit as exited:
            code = int(exited.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def two_trials(lab: Lab) -> None:
    lab("hypothesis 'warm up' -m 'the first steps diverge'")
    lab("experiment h1")
    lab("""result e1 -v discard --metrics '{"bpb": 1.5}' --mechanism-refuted --theory-revision 'it was the seed'""")
    lab("hypothesis wider --mechanism 'more features'")
    lab("experiment h2")


def test_names_are_all_that_is_printed(lab: Lab) -> None:
    assert lab("hypothesis 'warm up' -m 'the first steps diverge'") == (0, "h1\n", "")
    assert lab("experiment h1") == (0, "e1\n", "")
    assert lab("result e1 -v keep --metrics '{}' --mechanism-confirmed") == (0, "keep\n", "")


def test_context_is_a_line_for_each_experiment(lab: Lab) -> None:
    two_trials(lab)

    assert lab("context") == (
        0,
        "work: 2 experiments\n"
        'e1 [discard] warm up | mechanism: the first steps diverge | refuted | {"bpb": 1.5} | theory: it was the seed\n'
        "e2 [pending] wider | mechanism: more features | open | {}\n",
        "",
    )


def test_failures_are_what_was_discarded_or_crashed(lab: Lab) -> None:
    two_trials(lab)
    assert lab("failures")[1].startswith("e1 [discard] warm up")

    lab("result e1 -v keep")
    lab("result e2 -v crash")

    assert lab("failures")[1] == "e2 [crash] wider | mechanism: more features | open | {}\n"


def test_without_a_failure_it_says_so(lab: Lab) -> None:
    assert lab("failures") == (0, "work: no experiment has failed\n", "")
    assert lab("context") == (0, "work: 0 experiments\n", "")


def test_context_has_the_last_twenty(lab: Lab) -> None:
    lab("hypothesis 'warm up' -m why")
    for _ in range(23):
        lab("experiment h1")

    lines = lab("context")[1].splitlines()

    assert lines[0] == "work: 23 experiments, the last 20"
    assert [line.split()[0] for line in lines[1:]] == [f"e{number}" for number in range(4, 24)]


def test_memory_is_told_to_scripts(lab: Lab) -> None:
    two_trials(lab)

    told = json.loads(lab("context --json")[1])
    failed = json.loads(lab("failures --json")[1])

    assert told[0].pop("begun_at").endswith("Z")
    assert told[0] == {
        "experiment": "e1",
        "hypothesis": "h1",
        "task": ".",
        "title": "warm up",
        "mechanism": "the first steps diverge",
        "verdict": "discard",
        "metrics": {"bpb": 1.5},
        "mechanism_held": "refuted",
        "theory_revision": "it was the seed",
    }
    assert [trial["experiment"] for trial in told] == ["e1", "e2"]
    assert [trial["experiment"] for trial in failed] == ["e1"]


def test_no_terminal_obeys_what_an_agent_wrote(lab: Lab) -> None:
    lab("hypothesis '\x1b[2Jgone\nforged [keep]' -m '\u202eback'")
    lab("experiment h1")
    lab("""result e1 -v keep --metrics '{"\x9b2J": 1}' --theory-revision '\x1b]0;title\x07'""")

    header, *lines = lab("context")[1].splitlines()

    assert len(lines) == 1
    assert lines[0].startswith("e1 [keep] gone forged [keep] | mechanism: \ufffdback | open")
    assert not {"\x1b", "\x9b", "\x07", "\u202e"} & set(header + lines[0])


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("hypothesis 'warm up' -m ' '", "a hypothesis needs a title and a mechanism"),
        ("experiment h9", "there is no hypothesis 'h9'; state one first"),
        ("result e9 -v keep", "there is no experiment 'e9'; open one first"),
        ("result e1 -v keep --metrics 0.99", "the metrics '0.99' are no JSON object"),
        ("import nowhere.db", "there is no file nowhere.db"),
        ("context --run nope", "there is no run"),
    ],
)
def test_what_has_to_change_is_exit_code_one(lab: Lab, typed: str, said: str) -> None:
    two_trials(lab)

    code, out, err = lab(typed)

    assert (code, out) == (1, "")
    assert said in err


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "dance",
        "hypothesis 'no mechanism'",
        "experiment",
        "result e1",
        "result e1 -v perhaps",
        "result e1 -v keep --mechanism-confirmed --mechanism-refuted",
    ],
)
def test_what_cannot_be_read_is_exit_code_two_with_the_usage(lab: Lab, typed: str) -> None:
    code, out, err = lab(typed)

    assert (code, out) == (2, "")
    assert err.startswith("usage: loopwatch lab")


def test_a_leaf_sees_its_own_experiments_and_the_root_sees_all(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = user_repository(tmp_path / "user")
    (root / "gepa").mkdir()
    for leaf in ("gepa", "research/sine"):
        monkeypatch.chdir(root / leaf)
        lab(f"hypothesis 'try {leaf}' -m why")
        lab(f"experiment h{1 if leaf == 'gepa' else 2}")

    own = lab("context")[1].splitlines()
    monkeypatch.chdir(root)
    whole = lab("context")[1].splitlines()

    assert own == ["research-sine: 1 experiment", "e2 [pending] try research/sine | mechanism: why | open | {}"]
    assert whole[0] == "user: 2 experiments"
    assert whole[1].startswith("e1 [pending] gepa: try gepa |")
    assert whole[2].startswith("e2 [pending] research-sine: try research/sine |")


def test_an_existing_database_is_imported_and_told(lab: Lab, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "experiments.db")) as db:
        db.executescript("""
            create table hypotheses (id text, title text, mechanism text, status text, created_at text);
            create table experiments (id text, hypothesis_id text, task_id text, status text, created_at text);
            create table results (experiment_id text, metrics_json text, mechanism_confirmed integer,
                                  theory_revision text, verdict text, created_at text);
            insert into hypotheses values ('h1', 'warm up', 'why', '', '2026-03-08T10:00:00+00:00');
            insert into experiments values ('e1', 'h1', 'gepa', '', '2026-03-08T10:01:00+00:00');
            insert into results values ('e1', '{"val_score": 0.7}', null, null, 'discard', '2026-03-08T10:02:00+00:00');
        """)

    first, again = lab(f"import {tmp_path}/experiments.db"), lab(f"import {tmp_path}/experiments.db")

    assert first == (0, "added: 1 hypotheses, 1 experiments, 1 results\n", "")
    assert again == (0, "added: 0 hypotheses, 0 experiments, 0 results\n", "")
    assert lab("failures")[1] == 'e1 [discard] gepa: warm up | mechanism: why | open | {"val_score": 0.7}\n'


def remembered_run(home: Path) -> None:
    made_run(
        home,
        opened(),
        *proposed(1, "baseline"),
        *judged(1, "kept", 2.731),
        *proposed(2, "a larger LR", mechanism="it escapes sooner"),
        *judged(2, "kept", 2.702),
        events.Explained(experiment=2, mechanism="refuted", theory="it was the schedule", by="anthropic"),
        *proposed(3, "wider", mechanism="more features"),
        *judged(3, "timed_out"),
        *proposed(4, "deeper", mechanism="more layers"),
        *judged(4, "interrupted"),
        *proposed(5, "no decay", mechanism="it hurts"),
    )


def test_a_run_is_remembered_in_the_same_form(lab: Lab, home: Path) -> None:
    remembered_run(home)

    assert lab("context --run made-1")[1].splitlines() == [
        "made-1: 4 experiments",
        'e2 [kept] a larger LR | mechanism: it escapes sooner | refuted | {"val_bpb": 2.702} | theory: it was the schedule',
        "e3 [timed out] wider | mechanism: more features | open | {}",
        "e4 [interrupted] deeper | mechanism: more layers | open | {}",
        "e5 [pending] no decay | mechanism: it hurts | open | {}",
    ]


def test_inside_a_run_its_memory_is_the_default(lab: Lab, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered_run(home)
    monkeypatch.setenv("LOOPWATCH_RUN", "made-1")

    assert lab("failures") == (0, "e3 [timed out] wider | mechanism: more features | open | {}\n", "")
    assert lab("context")[1].startswith("made-1: 4 experiments\n")


def test_an_agent_finds_lab_where_its_program_says(lab: Lab, home: Path, tmp_path: Path) -> None:
    root = user_repository(tmp_path / "user")
    git(root, "worktree", "add", "-q", str(tmp_path / "other"), "-b", "experiment/x")
    code, out, _ = lab(f"shim {root}")
    (root / "gepa").mkdir()
    (root / "gepa" / "json.py").write_text("raise SystemExit('not to be imported')")

    def typed(command: str, where: Path) -> str:
        environment = {**os.environ, "PATH": f"{root}:{os.environ['PATH']}"}
        return subprocess.run(
            ["/bin/sh", "-c", command], cwd=where, env=environment, check=True, capture_output=True, text=True
        ).stdout

    assert (code, out) == (0, f"{root}/lab\n")
    assert typed('../lab hypothesis "warm up" -m "why: it\'s \\"this\\""', root / "gepa") == "h1\n"
    assert typed("lab experiment h1", tmp_path / "other") == "e1\n"
    assert typed("../lab context", root / "gepa") == "gepa: 0 experiments\n"


def test_a_program_that_is_not_ours_is_left_alone(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / "lab").write_text("#!/usr/bin/env python3\nprint('another lab')\n")

    code, _, err = lab(f"shim {tmp_path}")

    assert code == 1
    assert "is there already, and is not ours" in err
    assert "another lab" in (tmp_path / "lab").read_text()


def test_our_own_program_is_written_anew(lab: Lab, tmp_path: Path) -> None:
    lab(f"shim {tmp_path}/bin")
    (tmp_path / "bin" / "lab").write_text((tmp_path / "bin" / "lab").read_text() + "exit 1\n")

    assert lab(f"shim {tmp_path}/bin")[0] == 0
    assert "exit 1" not in (tmp_path / "bin" / "lab").read_text()
    assert [path.name for path in (tmp_path / "bin").iterdir()] == ["lab"]
