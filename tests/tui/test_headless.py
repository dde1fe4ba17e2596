import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from loopwatch.engine import events
from loopwatch.engine.money import Usage
from loopwatch.tui.headless import follow
from tests.waiting import until

from .command import CLI, UNCONTAINED, Command, judged, made_run, opened, proposed, started

QUICK = ("--noise-repeats", "0", *UNCONTAINED)


def script(home: Path, *lines: dict[str, Any]) -> str:
    """A scripted proposer, by its option's value."""
    (home / "script.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return f"scripted:{home / 'script.jsonl'}"


def lr(value: float, **more: Any) -> dict[str, Any]:
    return {"hypothesis": f"LR {value}", "mechanism": "larger steps", "set": {"train.py": {"LR": value}}, **more}


def facts(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_three_experiments_are_told_fact_by_fact_and_end_as_asked(tmp_path: Path) -> None:
    done = Command(tmp_path).process(
        "run", "sine", "--noise-repeats", "0", "--headless", "--experiments", "3", "--json"
    )

    told = facts(done.stdout)
    assert done.returncode == 0, done.stderr
    assert [fact["seq"] for fact in told] == list(range(1, len(told) + 1))
    assert [fact["experiment"] for fact in told if fact["kind"] == "judged"] == [1, 2, 3]
    assert told[0]["kind"] == "run_opened"
    assert told[-1] | {"kind": "stopped", "because": "experiments"} == told[-1]


def test_without_json_facts_are_sentences(tmp_path: Path) -> None:
    done = Command(tmp_path)("run", "sine", *QUICK, "--experiments", "2")

    assert done.returncode == 0
    assert "#1 kept: the baseline is " in done.stdout
    assert "#2 proposed: " in done.stdout
    assert done.stdout.rstrip().endswith("stopped: all 2 experiments are done")
    assert done.stderr == ""


def test_two_runs_with_one_seed_measure_the_same(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)

    once, again = (
        facts(loopwatch("run", "sine", *QUICK, "--keep", "improve", "--experiments", "3", "--json").stdout)
        for _ in range(2)
    )

    assert [fact["value"] for fact in once if fact["kind"] == "judged"] == [
        fact["value"] for fact in again if fact["kind"] == "judged"
    ]


def test_a_script_that_is_over_ends_the_run_well(tmp_path: Path) -> None:
    done = Command(tmp_path)("run", "sine", *QUICK, "--headless", "--proposer", script(tmp_path, lr(0.05)))

    assert done.returncode == 0
    assert "#2 proposed: LR 0.05" in done.stdout


def test_a_script_that_is_over_too_soon_stopped_short(tmp_path: Path) -> None:
    done = Command(tmp_path)(
        "run",
        "sine",
        *QUICK,
        "--headless",
        "--experiments",
        "9",
        "--proposer",
        script(tmp_path, lr(0.05)),
    )

    assert done.returncode == 3


def test_a_relative_script_and_program_are_found_wherever_the_engine_works(tmp_path: Path) -> None:
    script(tmp_path, lr(0.05))
    (tmp_path / "mine.md").write_text("# Lower it\n")

    done = Command(tmp_path)(
        "run",
        "sine",
        *QUICK,
        "--headless",
        "--proposer",
        "scripted:script.jsonl",
        "--program",
        "mine.md",
    )

    assert done.returncode == 0, done.stderr
    assert f"programme read: {tmp_path / 'mine.md'}" in done.stdout


@pytest.mark.parametrize(
    "option", [("--proposer", "nobody"), ("--strategy", "nothing"), ("--proposer", "scripted:nowhere.jsonl")]
)
def test_settings_that_the_engine_refuses_are_explained(tmp_path: Path, option: tuple[str, str]) -> None:
    done = Command(tmp_path)("run", "sine", *QUICK, "--headless", "--json", *option)

    assert done.returncode == 1
    assert option[1].removeprefix("scripted:") in done.stderr
    assert "Traceback" not in done.stderr


def test_a_baseline_that_cannot_be_measured_is_the_users_to_mend(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    loopwatch("new", "mine")
    (tmp_path / "mine" / "train.py").write_text("LR = 0.01\nraise SystemExit(7)\n")

    done = loopwatch("run", "mine", "--headless", *UNCONTAINED)

    assert done.returncode == 1
    assert "exit code 7" in done.stderr


def test_the_first_signal_ends_the_run_after_this_experiment(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    following = loopwatch.background("run", "sine", *QUICK, "--headless", "--json")
    loopwatch.until_printed('"kind": "started", "experiment": 2')

    following.send_signal(signal.SIGTERM)
    code = following.wait(timeout=60)

    told = facts((tmp_path / "out").read_text())
    assert code == 143
    assert "again: at once" in (tmp_path / "err").read_text()
    assert told[-1] | {"kind": "stopped", "because": "signal", "signal": 15} == told[-1]
    assert loopwatch.json("status")["state"] == "stopped"


def test_ctrl_c_twice_ends_the_run_at_once(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    loopwatch("new", "slow")
    source = (tmp_path / "slow" / "train.py").read_text()
    lazy = "    if LR == 0.05:\n        import time\n\n        time.sleep(60)\n    net.save("
    (tmp_path / "slow" / "train.py").write_text(source.replace("    net.save(", lazy, 1))
    following = loopwatch.background("run", "slow", *QUICK, "--headless", "--proposer", script(tmp_path, lr(0.05)))
    loopwatch.until_printed("#2 started")

    following.send_signal(signal.SIGINT)
    loopwatch.until_printed("stopping after experiment 2", where="err")
    following.send_signal(signal.SIGINT)
    code = following.wait(timeout=60)

    assert code == 130
    assert loopwatch.json("show", "2")["verdict"] == "interrupted"


def test_killing_the_engine_loses_nothing(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    following = loopwatch.background("run", "sine", *QUICK, "--headless", "--experiments", "3")
    loopwatch.until_printed("#2 started")

    os.kill(loopwatch.json("status")["pid"], signal.SIGKILL)
    code = following.wait(timeout=60)
    dead = loopwatch.json("status")
    resumed = loopwatch("resume", "--headless", "--json")

    assert code == 4
    assert "loopwatch resume sine-" in (tmp_path / "err").read_text()
    assert dead["state"] == "dead"
    assert resumed.returncode == 0, resumed.stderr
    assert facts(resumed.stdout)[0]["seq"] == dead["seq"] + 1
    every = facts(loopwatch("export").stdout)
    assert [fact["experiment"] for fact in every if fact["kind"] == "judged"] == [1, 2, 3]


def test_a_run_that_was_cut_off_goes_on_when_loopwatch_is_typed(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    following = loopwatch.background("run", "sine", *QUICK, "--headless", "--experiments", "3")
    loopwatch.until_printed("#1 started")
    os.kill(loopwatch.json("status")["pid"], signal.SIGKILL)
    following.wait(timeout=60)

    done = loopwatch()

    assert done.returncode == 0, done.stderr
    assert "was cut off; going on with it" in done.stderr
    assert loopwatch.json("status")["experiments"] == 3


def test_a_finished_run_goes_on_with_more_experiments(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    loopwatch("run", "sine", *QUICK, "--headless", "--experiments", "1")

    done = loopwatch("resume", "--headless", "--experiments", "2")

    assert done.returncode == 0, done.stderr
    assert loopwatch.json("status")["experiments"] == 2


def test_a_hang_up_ends_the_following_and_not_the_run(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    following = loopwatch.background("run", "sine", *QUICK, "--headless", "--experiments", "3")
    loopwatch.until_printed("#1 started")

    following.send_signal(signal.SIGHUP)
    code = following.wait(timeout=60)
    ended = loopwatch.until_state("stopped")

    assert code == 0
    assert ended["stopped_because"] == "experiments"


def test_a_reader_that_leaves_ends_the_following_and_not_the_run(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)

    done = subprocess.run(
        f"{' '.join(CLI)} run sine {' '.join(QUICK)} --headless --experiments 2 | head -n 1",
        shell=True,
        env=loopwatch.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    ended = loopwatch.until_state("stopped")

    assert done.stderr == ""
    assert ended["stopped_because"] == "experiments"


def test_attaching_late_shows_what_the_first_one_saw(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    first = loopwatch("run", "sine", *QUICK, "--headless", "--experiments", "2", "--json")

    late = loopwatch("attach", "--json")

    assert late.stdout == first.stdout
    assert late.returncode == 0


def test_who_only_watches_stops_nothing_by_leaving(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    loopwatch("run", "sine", *QUICK, "--detach", "--gate", "apply=ask", "--experiments", "2")
    loopwatch.until_state("waiting")
    watching = loopwatch.background("attach", "--headless")
    loopwatch.until_printed("answer with: loopwatch approve", where="err")

    watching.send_signal(signal.SIGINT)
    code = watching.wait(timeout=60)
    waiting = loopwatch.json("status")
    loopwatch("approve")
    ended = loopwatch.until_state("stopped")

    assert code == 130
    assert "it goes on" in (tmp_path / "err").read_text()
    assert waiting["state"] == "waiting"
    assert ended["experiments"] == 2


def test_a_run_that_waits_for_a_person_says_once_what_to_type(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    following = loopwatch.background(
        "run", "sine", *QUICK, "--headless", "--gate", "apply=ask:1=veto", "--experiments", "2"
    )

    code = following.wait(timeout=60)

    told = (tmp_path / "err").read_text()
    assert code == 0
    assert told.count("answer with: loopwatch approve sine-") == 1
    assert "1.0 s without an answer: veto" in told
    assert loopwatch.json("show", "2")["verdict"] == "vetoed"


def test_a_long_training_says_where_it_is(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    loopwatch("new", "long")
    source = (tmp_path / "long" / "train.py").read_text()
    slowed = source.replace("    net.save(", "    import time\n    time.sleep(60)\n    net.save(", 1)
    (tmp_path / "long" / "train.py").write_text(slowed)
    following = loopwatch.background("run", "long", *QUICK, "--headless", "--experiments", "1")

    loopwatch.until_printed("#1 trains: step 100 (100%), loss ")
    loopwatch("stop", "--now")

    assert following.wait(timeout=60) == 3


def test_an_engine_that_died_without_a_word_is_exit_code_four(tmp_path: Path) -> None:
    made_run(tmp_path, opened(), started(), *proposed(1, "baseline"), *judged(1, "kept", 2.0))

    done = Command(tmp_path)("attach")

    assert done.returncode == 4
    assert "nothing is lost: loopwatch resume made-1" in done.stderr


def test_attaching_to_a_run_that_ended_says_how(tmp_path: Path) -> None:
    stopped = events.Stopped(because="failures", detail="10 experiments in a row failed")
    made_run(tmp_path, opened(), started(), *proposed(1, "baseline"), *judged(1, "kept", 2.0), stopped)

    done = Command(tmp_path)("attach")

    assert done.returncode == 3
    assert "10 experiments in a row failed" in done.stdout


def test_a_judges_many_bills_are_told_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = events.Requested(experiment=1, request=1, role="judge", model="haiku", prompt_tokens=300)
    billed = events.Billed(experiment=1, request=1, usage=Usage(input=300, output=9), usd=0.01)
    graded = events.Graded(
        experiment=1, attempt=1, by="haiku", votes=3, answers=2, value=50, evaluated=60, spread=2, unanimous=0.5
    )
    stopped = events.Stopped(because="experiments", detail="done")
    run = made_run(
        tmp_path, opened(), started(), *proposed(1, "baseline"), asked, billed, graded, *judged(1, "kept", 50), stopped
    )

    follow(run, after=0)

    told = capsys.readouterr().out
    assert "#1 judged by haiku, 3 votes each, which are ±2.0000 apart: 50.0000; by patterns 60.0000" in told
    assert "request 1" not in told


def test_a_second_engine_is_refused(tmp_path: Path) -> None:
    loopwatch = Command(tmp_path)
    loopwatch("run", "sine", *QUICK, "--detach", "--gate", "apply=ask")
    loopwatch.until_state("waiting")

    resumed = loopwatch("resume")
    loopwatch("stop")
    until(lambda: not loopwatch.json("status")["alive"], seconds=60, every=0.05)

    assert resumed.returncode == 1
    assert "neither paused nor held" in resumed.stderr
