import json
import subprocess
import sys
from pathlib import Path

import pytest

from loopwatch.engine import events
from loopwatch.engine.records import Sample
from loopwatch.engine.telemetry import Telemetry
from loopwatch.tui import arguments, manual

from .command import CLI, UNCONTAINED, Command, finished, judged, made_run, opened, proposed, started

DIFF = "--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-LR = 1\n+LR = 2\n"
COMMANDS = (
    *(
        "run",
        "attach",
        "resume",
        "pause",
        "hold",
        "stop",
        "abort",
        "note",
        "policy",
        "runs",
        "status",
        "show",
        "export",
        "cost",
        "lab",
        "new",
        "selftest",
    ),
    *("approve", "veto", "send-back", "amend", "let-run", "accept", "keep", "discard"),
)


def two_experiments(home: Path, *more: events.AnyFact) -> None:
    made_run(
        home,
        opened(),
        started(),
        *proposed(1, "baseline"),
        *judged(1, "kept", 2.731, commit="a" * 40),
        *proposed(2, "a larger LR helps", mechanism="it escapes sooner", diff=DIFF),
        events.Decided(experiment=2, gate="apply", answer="approve", by="anna", person=True),
        finished(2),
        events.Judged(
            experiment=2,
            verdict="kept",
            value=2.702,
            gain=0.029,
            sigma=3.6,
            reason="kept: it is better",
            by="judge",
            commit="b" * 40,
        ),
        events.Settled(experiment=2, best_commit="b" * 40),
        *more,
    )


def test_the_command_line_starts_light() -> None:
    program = "import sys, loopwatch.tui.cli; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    heavy = {"textual", "rich", "torch", "anthropic", "git", "pygit2", "plotext", "numpy", "pydantic"}
    assert heavy.isdisjoint(loaded)


def test_a_run_without_a_screen_loads_no_screen(tmp_path: Path) -> None:
    two_experiments(tmp_path)
    program = "import sys; from loopwatch.tui.cli import main; main(['status']); print(*sys.modules)"
    loopwatch = Command(tmp_path)

    loaded = subprocess.run(
        [sys.executable, "-c", program], env=loopwatch.environment, capture_output=True, text=True, check=True
    ).stdout.split()

    assert {"textual", "torch", "anthropic", "git", "pygit2", "plotext", "numpy"}.isdisjoint(loaded)


def test_help_fits_a_page(tmp_path: Path) -> None:
    page = Command(tmp_path)("--help").stdout

    assert len(page.splitlines()) <= 60
    assert max(map(len, page.splitlines())) <= 80
    assert "LOOPWATCH_HOME" in page
    assert "exit codes" in page


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_on_the_page_and_has_examples(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    with pytest.raises(SystemExit):
        arguments.parser().parse_args([name, "--help"])

    told = capsys.readouterr().out
    assert f"loopwatch {name}" in told.partition("examples:")[2]
    assert max(map(len, told.splitlines())) <= 80
    assert name in manual.PAGE


def test_the_version_is_data(tmp_path: Path) -> None:
    done = Command(tmp_path)("--version")

    assert done.stdout.startswith("loopwatch 0.")
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("run nope", "no task 'nope'"),
        ("run sine --experiments 0", "--experiments 0"),
        ("run sine --hours -1", "--hours -1.0"),
        ("run sine --margin-sigma -1", "--margin-sigma -1.0"),
        ("run sine --gate apply=perhaps", "'perhaps' is no gate policy"),
        ("run sine --gate door=ask", "'door=ask' is not GATE=POLICY"),
        ("run sine --program nowhere.md", "nowhere.md cannot be read"),
        ("status nope", "there is no run 'nope'; the newest are: made-1"),
        ("show 99", "made-1 has no experiment 99; there are 1 to 2"),
        ("show three", "expected [RUN] N"),
        ("note a b c", "put the note in quotes"),
        ("policy apply=perhaps", "'perhaps' is no gate policy"),
        ("policy door=ask", "no gate 'door'"),
        ("amend --diff nowhere.diff", "nowhere.diff cannot be read"),
    ],
)
def test_bad_input_is_explained_and_makes_no_run(tmp_path: Path, typed: str, said: str) -> None:
    two_experiments(tmp_path)

    done = Command(tmp_path)(*typed.split())

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["made-1"]


@pytest.mark.parametrize(
    "typed", ["fly", "run", "run sine --experiments many", "run sine --target nan", "send-back", "export --format csv"]
)
def test_a_command_line_that_cannot_be_read_is_exit_code_two(tmp_path: Path, typed: str) -> None:
    done = Command(tmp_path)(*typed.split())

    assert done.returncode == 2
    assert "usage:" in done.stderr


def test_without_any_run_one_is_told_how_to_start_one(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)

    assert "loopwatch run pretrain" in loopwatch("runs").stdout
    assert "loopwatch run pretrain" in loopwatch("status").stderr
    assert loopwatch.json("runs") == []


def test_runs_are_listed_newest_first(tmp_path: Path) -> None:
    made_run(tmp_path, opened("made-1"), name="made-1")
    made_run(tmp_path, opened("made-2"), name="made-2")

    loopwatch = Command(tmp_path)

    assert [run["run"] for run in loopwatch.json("runs")] == ["made-2", "made-1"]
    assert [line.split()[0] for line in loopwatch("runs").stdout.splitlines()] == ["RUN", "made-2", "made-1"]


def test_a_ledger_that_cannot_be_read_hides_no_other_run(tmp_path: Path) -> None:
    two_experiments(tmp_path)
    broken = tmp_path / "runs" / "broken"
    broken.mkdir()
    (broken / "run.json").write_text("{}")
    (broken / "run.db").write_bytes(b"this is no database, and it is long enough to say so" * 40)

    listed = Command(tmp_path)("runs")

    assert listed.returncode == 0
    assert "unreadable" in listed.stdout
    assert "made-1" in listed.stdout


def test_status_tells_scripts_how_a_run_stands(tmp_path: Path) -> None:
    two_experiments(tmp_path)

    status = Command(tmp_path).json("status")

    assert (
        status
        | {
            "run": "made-1",
            "task": "made",
            "state": "dead",
            "experiments": 2,
            "kept": 2,
            "best": {"experiment": 2, "value": 2.702, "estimate": 2.702, "trust": None, "confirmed": False},
            "confirmed": {"experiment": 1, "estimate": 2.731},
            "baseline": 2.731,
            "waiting": None,
            "stopped_because": None,
            "alive": False,
        }
        == status
    )


def test_status_says_what_one_can_do(tmp_path: Path) -> None:
    two_experiments(tmp_path)

    text = Command(tmp_path)("status").stdout

    assert "best         #2 with 2.7020" in text
    assert "loopwatch resume made-1" in text


def test_one_experiment_is_told_to_scripts(tmp_path: Path) -> None:
    two_experiments(tmp_path)

    told = Command(tmp_path).json("show", "made-1", "2")

    assert (
        told
        | {
            "hypothesis": "a larger LR helps",
            "mechanism": "it escapes sooner",
            "diff": DIFF,
            "verdict": "kept",
            "metric": 2.702,
            "gain": 0.029,
            "sigma": 3.6,
            "reason": "kept: it is better",
            "commit": "b" * 40,
            "approved_by": "anna",
            "wall_seconds": 12.5,
        }
        == told
    )


def test_one_experiment_is_told_in_sentences_with_its_curve(tmp_path: Path) -> None:
    two_experiments(tmp_path)
    samples(tmp_path / "runs" / "made-1" / "telemetry.db")

    told = Command(tmp_path)("show", "made-1", "2").stdout

    assert "made-1 #2: kept: it is better" in told
    assert "#2 approved by anna" in told
    assert "+LR = 2" in told
    assert "┌" in told
    assert "\x1b" not in told


def samples(path: Path) -> None:
    """A falling curve of 5,000 points for experiment 2."""
    telemetry = Telemetry(path)
    telemetry.add_samples(2, 1, 0.0, [Sample(step=step, loss=3 + 1 / (1 + step)) for step in range(5000)])
    telemetry.close()


def test_the_log_of_an_experiment_reaches_no_terminal_as_a_command(tmp_path: Path) -> None:
    two_experiments(
        tmp_path,
        events.Proposing(experiment=3, revision=1, proposer="x"),
        events.Started(experiment=3, attempt=1, seed=1),
    )
    logs = tmp_path / "runs" / "made-1" / "logs"
    logs.mkdir()
    (logs / "0003-1.log").write_bytes(b"step 1\rstep 2\n\x1b]0;owned\x07\x1b[2Jlast words\n")

    told = Command(tmp_path)("show", "3", "--log").stdout

    assert "last words" in told
    assert "\x1b" not in told


def test_a_note_waits_for_the_next_engine(tmp_path: Path) -> None:
    two_experiments(tmp_path)

    done = Command(tmp_path)("note", "made-1", "try depth")

    assert done.returncode == 0
    assert "the next one reads it" in done.stdout


@pytest.mark.parametrize(
    "name", ["pause", "hold", "stop", "abort", "approve", "veto", "accept", "keep", "discard", "let-run"]
)
def test_without_an_engine_nothing_is_asked_that_could_surprise_later(tmp_path: Path, name: str) -> None:
    two_experiments(tmp_path)

    done = Command(tmp_path)(name)

    assert done.returncode == 1
    assert "no engine runs" in done.stderr
    assert "loopwatch resume made-1" in done.stderr


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    two_experiments(tmp_path)
    loopwatch = Command(tmp_path)

    done = subprocess.run(
        f"{' '.join(CLI)} export | true",
        shell=True,
        env=loopwatch.environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr == ""


def test_a_fault_of_ours_leaves_its_traceback_in_a_file(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "broken"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text("no json")

    done = Command(tmp_path)("resume", "--experiments", "3")

    assert done.returncode == 4
    assert str(tmp_path / "failure.log") in done.stderr
    assert "Traceback" in (tmp_path / "failure.log").read_text()
    assert "Traceback" not in done.stderr


def test_a_person_steers_a_run_from_another_terminal(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)

    name = loopwatch(
        "run", "sine", "--noise-repeats", "0", *UNCONTAINED, "--detach", "--gate", "apply=ask"
    ).stdout.strip()
    waiting = loopwatch.until_state("waiting")
    noted = loopwatch("note", name, "try INIT_SCALE")
    vetoed = loopwatch("veto", "-m", "I know better")
    loopwatch.until_state("waiting")
    late = loopwatch("accept")
    stopped = loopwatch("stop")
    loopwatch.until_state("stopped")

    assert waiting["waiting"]["gate"] == "apply"
    assert "note 1" in noted.stdout
    assert "vetoed #2" in vetoed.stdout
    assert (late.returncode, "nothing waits at the verdict gate" in late.stderr) == (1, True)
    assert stopped.returncode == 0
    shown = loopwatch.json("show", name, "2")
    assert (shown["verdict"], shown["by"], shown["approved_by"]) == ("vetoed", "anna", None)
    assert "I know better" in shown["reason"]


def test_a_paused_run_goes_on_when_it_is_resumed(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)

    loopwatch("run", "sine", "--noise-repeats", "0", *UNCONTAINED, "--detach", "--experiments", "50")
    loopwatch("pause")
    paused = loopwatch.until_state("paused")
    resumed = loopwatch("resume")
    loopwatch("policy", "apply=ask")
    waiting = loopwatch.until_state("waiting")
    stopped = loopwatch("stop", "--now")
    ended = loopwatch.until_state("stopped")

    assert paused["paused_by"] == "anna"
    assert "it goes on" in resumed.stdout
    assert waiting["gates"]["apply"] == "ask"
    assert stopped.returncode == 0
    assert ended["stopped_because"] == "person"


def test_json_of_a_detached_run_names_it(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)

    told = json.loads(
        loopwatch(
            "run", "sine", "--noise-repeats", "0", *UNCONTAINED, "--detach", "--json", "--experiments", "1"
        ).stdout
    )
    loopwatch.until_state("stopped")

    assert told["run"].startswith("sine-")
    assert told["alive"] is True
