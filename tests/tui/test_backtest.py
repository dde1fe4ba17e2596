import json
import subprocess
import sys
from pathlib import Path

import pytest

from loopwatch.engine.events import AnyFact, Started
from loopwatch.engine.records import Sample
from loopwatch.engine.telemetry import Telemetry
from loopwatch.tui import arguments, manual

from .command import Command, finished, judged, made_run, opened, proposed, started

FORECASTERS = ["learned", "power-law", "best-curve", "halving", "median", "never"]


def ran(number: int, *verdict: AnyFact) -> list[AnyFact]:
    """An experiment that trained."""
    return [*proposed(number, "?"), Started(experiment=number, attempt=1, seed=1), finished(number), *verdict]


def a_run(home: Path) -> None:
    """A baseline; better, although its curve is worse; better; worse; aborted. Each curve is flat."""
    run = made_run(
        home,
        opened(),
        started(),
        *ran(1, *judged(1, "kept", 3.0)),
        *ran(2, *judged(2, "kept", 2.9)),
        *ran(3, *judged(3, "kept", 2.8)),
        *ran(4, *judged(4, "discarded", 3.1)),
        *ran(5, *judged(5, "aborted")),
    )
    telemetry = Telemetry.of(run.folder)
    for number, loss in enumerate((2.0, 2.5, 1.5, 1.8, 9.0), start=1):
        telemetry.add_samples(
            number, 1, 1.0, [Sample(step=step, progress=step / 20, loss=loss) for step in range(1, 21)]
        )
    telemetry.close()


def one_experiment(home: Path) -> None:
    made_run(home, opened(), started(), *ran(1, *judged(1, "kept", 3.0)))


def curves(path: Path, count: int, *, sign: int = 1) -> Path:
    """A loop of better and worse by turns, whose losses are the final metrics or, with the other sign, tell the contrary."""
    finals = [10.0 - step / 100 if step % 2 else 12.0 for step in range(count)]
    lines = [
        {
            "id": str(order), "episode": "a", "order": order, "budget": 20, "direction": "min", "final": final,
            "times": list(range(1, 21)), "losses": [sign * final] * 20,
        }
        for order, final in enumerate(finals)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_a_run_is_one_table_and_one_sentence(tmp_path: Path) -> None:
    a_run(tmp_path)

    done = Command(tmp_path)("backtest", "--forecaster", "never", "--forecaster", "best-curve")

    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "FORECASTER  FALSE ABORTS  95 %        BAD ABORTED  SAVED  AT EQUAL TIME",
        "never       0 of 2        0 … 66 %    0 %          0 %    2.9000 (same)",
        "best-curve  1 of 2        9.5 … 91 %  100 %        38 %   3.0000 (worse)",
        "",
        "made-1: 4 experiments ran to the end and were replayed.",
        "1 experiment aborted in life is left out: nobody knows what would have come of it.",
        "False aborts: experiments that would have beaten the best, and were aborted.",
        "At equal time: the best by when never aborting has done half its work, against its own, 2.9000 here.",
        "",
        "This is too little to say whether to trust never: 4 experiments, 2 improvements. It takes 10 and 3 to say anything; "
        "that at most 5 % are aborted falsely, as is promised, 73 improvements can prove.",
    ]


def test_all_forecasters_are_replayed_and_ours_is_judged(tmp_path: Path) -> None:
    a_run(tmp_path)

    table = Command(tmp_path).json("backtest", "made-1")

    assert [row["forecaster"] for row in table["forecasters"]] == FORECASTERS
    assert (table["judged"], table["verdict"], table["promised"]) == ("learned", "too_few", 0.05)
    assert (table["source"], table["loops"], table["experiments"], table["left_out"]) == ("made-1", 1, 4, 1)
    assert table["sentence"].startswith("This is too little to say whether to trust learned: 4 experiments")


def test_a_run_with_one_experiment_still_has_its_table(tmp_path: Path) -> None:
    one_experiment(tmp_path)

    told = Command(tmp_path)("backtest", "--forecaster", "best-curve").stdout

    assert "best-curve  0 of 0        –     –            0 %    – (same)" in told
    assert "too little to say whether to trust best-curve: 1 experiment, 0 improvements" in told


def test_json_has_null_where_there_is_no_number(tmp_path: Path) -> None:
    one_experiment(tmp_path)

    (row,) = Command(tmp_path).json("backtest", "--forecaster", "never")["forecasters"]

    assert row["false_rate"] == {"share": None, "low": 0.0, "high": 1.0}


@pytest.mark.parametrize(
    ("count", "name", "said"),
    [
        (13, "best-curve", "Nothing here speaks against best-curve, but there is too little to prove it: it aborted 0 of the 6"),
        (161, "best-curve", "Trust best-curve on this data: it aborted 0 of the 80 experiments that would have improved"),
        (13, "never", "never does no harm on this data and no good"),
    ],
)  # fmt: skip
def test_the_sentence_follows_the_data(tmp_path: Path, count: int, name: str, said: str) -> None:
    path = curves(tmp_path / "curves.jsonl", count)

    done = Command(tmp_path)("backtest", path.name, "--forecaster", name)

    assert said in done.stdout
    assert f"curves.jsonl: {count} experiments ran to the end" in done.stdout


def test_curves_that_mislead_are_reason_not_to_trust(tmp_path: Path) -> None:
    path = curves(tmp_path / "curves.jsonl", 13, sign=-1)

    told = Command(tmp_path)("backtest", path.name, "--forecaster", "best-curve").stdout

    assert "Do not trust best-curve on this data: it aborted 6 of the 6 experiments that would have improved" in told
    assert told.endswith("and at most 5 % are promised.\n")


def test_several_loops_are_counted(tmp_path: Path) -> None:
    one = curves(tmp_path / "curves.jsonl", 13).read_text()
    (tmp_path / "two.jsonl").write_text(one + one.replace('"episode": "a"', '"episode": "b"'))

    told = Command(tmp_path)("backtest", "two.jsonl", "--forecaster", "best-curve").stdout

    assert "two.jsonl: 26 experiments in 2 loops ran to the end" in told
    assert "2 better, 0 worse" in told


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nope", "there is no run 'nope'; the newest are: made-1"),
        ("nowhere.jsonl", "nowhere.jsonl cannot be read: No such file or directory"),
        ("out.csv", "out.csv is neither a run nor a file of curves; those end in .jsonl or .jsonl.gz"),
        ("bad.jsonl", "bad.jsonl line 1: episode: Field required; repair or delete it"),
        ("made-1 --forecaster nose", "there is no forecaster 'nose'; there are: learned"),
    ],
)
def test_bad_input_is_explained(tmp_path: Path, typed: str, said: str) -> None:
    one_experiment(tmp_path)
    (tmp_path / "out.csv").touch()
    (tmp_path / "bad.jsonl").write_text("{}\n")

    done = Command(tmp_path)("backtest", *typed.split())

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_run_in_which_nothing_ended_is_told_to_come_back(tmp_path: Path) -> None:
    made_run(tmp_path, opened(), started(), *proposed(1, "baseline"))

    done = Command(tmp_path)("backtest")

    assert (done.returncode, done.stdout) == (1, "")
    assert "no experiment has run to its end yet" in done.stderr


def test_the_command_is_on_the_page_and_has_examples(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    with pytest.raises(SystemExit):
        arguments.parser().parse_args(["backtest", "--help"])

    told = capsys.readouterr().out
    assert "loopwatch backtest curves.jsonl.gz" in told.partition("examples:")[2]
    assert all(name in told for name in FORECASTERS)
    assert max(map(len, told.splitlines())) <= 80
    assert "backtest [RUN|FILE]" in manual.PAGE


def test_nothing_slow_is_loaded_before_something_is_replayed() -> None:
    program = "import sys, loopwatch.tui.backtest; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert {"numpy", "textual", "loopwatch.engine.backtest"}.isdisjoint(loaded)
