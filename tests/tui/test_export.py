import json
from datetime import datetime
from pathlib import Path

from .command import Command, finished, judged, made_run, opened, proposed, started


def a_night(home: Path) -> None:
    """A baseline, one better, one worse, and one of each kind that has no number."""
    made_run(
        home,
        opened(),
        started(),
        *proposed(1, "baseline"),
        finished(1, peak_memory_mb=512),
        *judged(1, "kept", 2.731, commit="a" * 40),
        *proposed(2, "QK-norm:\tnormalise\nqueries and keys"),
        finished(2, peak_memory_mb=45060.2),
        *judged(2, "kept", 2.702, commit="b" * 40),
        *proposed(3, "twice the depth"),
        finished(3),
        *judged(3, "discarded", 2.8, commit="c" * 40),
        *proposed(4, "a huge batch"),
        *judged(4, "crashed", commit="d" * 40),
        *proposed(5, "sleep"),
        *judged(5, "timed_out", commit="e" * 40),
        *proposed(6, "read the answers"),
        *judged(6, "voided", 0.1, commit="f" * 40),
        *proposed(7, "\x1b[2Jevil"),
        *judged(7, "vetoed"),
        *proposed(8, "not judged yet"),
    )


def test_the_table_is_the_classic_one(tmp_path: Path) -> None:
    a_night(tmp_path)

    table = Command(tmp_path)("export", "--format", "tsv").stdout

    assert table.splitlines() == [
        "commit\tval_bpb\tmemory_gb\tstatus\tdescription",
        "aaaaaaa\t2.731000\t0.5\tkeep\tbaseline",
        "bbbbbbb\t2.702000\t44.0\tkeep\tprovisional: QK-norm: normalise queries and keys",
        "ccccccc\t2.800000\t0.5\tdiscard\ttwice the depth",
        "ddddddd\t0.000000\t0.0\tcrash\ta huge batch",
        "eeeeeee\t0.000000\t0.0\tcrash\ttimed out: sleep",
        "fffffff\t0.000000\t0.0\tcrash\tvoided: read the answers",
        "na\t0.000000\t0.0\tcrash\tvetoed: evil",
    ]


def test_every_fact_is_one_line_of_json(tmp_path: Path) -> None:
    a_night(tmp_path)

    lines = Command(tmp_path)("export", "made-1").stdout.splitlines()
    facts = [json.loads(line) for line in lines]

    assert [fact["seq"] for fact in facts] == list(range(1, len(facts) + 1))
    assert facts[0]["kind"] == "run_opened"
    assert "experiment" not in facts[0]
    assert facts[-1] | {"at": ""} == facts[-1] | {
        "at": "",
        "kind": "proposed",
        "experiment": 8,
        "hypothesis": "not judged yet",
    }
    assert all(
        datetime.fromisoformat(fact["at"]).utcoffset() is not None and fact["at"].endswith("Z") for fact in facts
    )
    assert [fact["verdict"] for fact in facts if fact["kind"] == "judged" and fact["experiment"] == 6] == ["voided"]


def test_no_line_of_json_carries_a_control_character_or_a_number_that_is_none(tmp_path: Path) -> None:
    made_run(tmp_path, opened(), started(), *proposed(1, "\x1b[2J\x7f\x9b31m"), *judged(1, "voided", float("nan")))

    text = Command(tmp_path)("export").stdout

    assert all(line.isascii() and line.isprintable() for line in text.splitlines())
    assert "NaN" not in text
    assert json.loads(text.splitlines()[-2])["value"] is None


def test_an_export_can_go_to_a_file(tmp_path: Path) -> None:
    a_night(tmp_path)

    done = Command(tmp_path)("export", "--format", "tsv", "--output", "results.tsv")

    assert (done.returncode, done.stdout) == (0, "")
    assert (tmp_path / "results.tsv").read_text().startswith("commit\tval_bpb\t")


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    a_night(tmp_path)

    done = Command(tmp_path)("export", "--output", "no/such/folder/results.tsv")

    assert done.returncode == 1
    assert "no/such/folder/results.tsv" in done.stderr
