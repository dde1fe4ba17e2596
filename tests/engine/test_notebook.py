"""A repository's notebook: shared by its working trees and by processes, and filled from an existing experiments.db."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from loopwatch.engine.errors import ConfigError
from loopwatch.engine.notebook import Notebook, place_of
from loopwatch.engine.trials import Trial

from .repositories import git, user_repository

SCHEMA = """
create table hypotheses (id text primary key, title text, mechanism text, status text, created_at text);
create table experiments (id text primary key, hypothesis_id text, task_id text, status text, created_at text);
create table results (experiment_id text primary key, metrics_json text, mechanism_confirmed integer,
                      theory_revision text, verdict text, created_at text);
"""
ROWS = """
insert into hypotheses values ('h1', 'warm up', 'the first steps diverge', 'testing', '2026-03-08T10:00:00+00:00');
insert into hypotheses values ('h2', 'wider', 'more features', 'testing', '2026-03-08T11:00:00+00:00');
insert into experiments values ('e1', 'h1', 'tinker-rl', 'discard', '2026-03-08T10:01:00+00:00');
insert into experiments values ('e2', 'h2', 'gepa', 'keep', '2026-03-08T11:01:00');
insert into experiments values ('e414', 'h2', 'gepa', 'running', '2026-03-08T12:01:00+00:00');
insert into results values ('e1', '{"reward": NaN}', 0, 'it was the seed', 'discard', '2026-03-08T10:20:00+00:00');
insert into results values ('e2', '{"val_score": 0.85}', 1, null, 'keep', '2026-03-08T11:20:00+00:00');
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOPWATCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    (tmp_path / "work").mkdir()
    return Notebook(tmp_path / "work")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """An experiments.db as the lab tool leaves it."""
    with closing(sqlite3.connect(tmp_path / "experiments.db", isolation_level=None)) as db:
        db.executescript(SCHEMA + ROWS)
        yield db


def trials(notebook: Notebook, task: str | None = None) -> list[Trial]:
    return notebook.pages().of(task)


def told(trial: Trial) -> tuple[str, str, str | None, str, str, str]:
    return trial.id, trial.hypothesis.title, trial.verdict, trial.mechanism_held, trial.metrics, trial.theory


def test_a_hypothesis_a_trial_and_its_end_are_remembered(notebook: Notebook) -> None:
    hypothesis = notebook.state("warm up", "the first steps diverge", by="anna")
    trial = notebook.begin(hypothesis, by="anna")
    notebook.end(trial, "discard", metrics='{"bpb": 1.5}', mechanism="refuted", theory="the seed", by="anna")

    assert (hypothesis, trial) == ("h1", "e1")
    assert [told(trial) for trial in trials(notebook)] == [
        ("e1", "warm up", "discard", "refuted", '{"bpb": 1.5}', "the seed")
    ]
    assert notebook.begin(hypothesis, by="anna") == "e2"
    assert notebook.state("wider", "more features", by="anna") == "h2"


@pytest.mark.parametrize(("title", "mechanism"), [("warm up", ""), ("warm up", " \n"), ("", "why")])
def test_there_is_no_hypothesis_without_a_mechanism(notebook: Notebook, title: str, mechanism: str) -> None:
    with pytest.raises(ConfigError, match="needs a title and a mechanism"):
        notebook.state(title, mechanism, by="anna")

    assert not notebook.folder.exists()


def test_there_is_no_trial_without_a_hypothesis_and_no_result_without_a_trial(notebook: Notebook) -> None:
    notebook.state("warm up", "the first steps diverge", by="anna")

    with pytest.raises(ConfigError, match="no hypothesis 'h2'; state one first"):
        notebook.begin("h2", by="anna")
    with pytest.raises(ConfigError, match="no experiment 'e1'; open one first"):
        notebook.end("e1", "keep", metrics="{}", mechanism="open", theory="", by="anna")

    assert trials(notebook) == []


def test_of_two_results_the_last_counts(notebook: Notebook) -> None:
    trial = notebook.begin(notebook.state("warm up", "why", by="anna"), by="anna")
    notebook.end(trial, "crash", metrics="{}", mechanism="open", theory="", by="anna")

    notebook.end(trial, "keep", metrics='{"bpb": 1}', mechanism="confirmed", theory="", by="bo")

    assert [told(trial)[2:4] for trial in trials(notebook)] == [("keep", "confirmed")]


@pytest.mark.parametrize(
    "metrics", ["", "1", "[1]", "{", "{'a': 1}", '{"a":' * 300 + "1" + "}" * 300, '{"a": "' + "x" * 10**5]
)
def test_metrics_that_are_no_object_are_refused(notebook: Notebook, metrics: str) -> None:
    trial = notebook.begin(notebook.state("warm up", "why", by="anna"), by="anna")

    with pytest.raises(ConfigError, match="are no JSON object"):
        notebook.end(trial, "keep", metrics=metrics, mechanism="open", theory="", by="anna")

    assert trials(notebook)[0].verdict is None


def test_a_metric_that_is_no_number_is_null(notebook: Notebook) -> None:
    trial = notebook.begin(notebook.state("warm up", "why", by="anna"), by="anna")

    notebook.end(trial, "crash", metrics='{"a": NaN, "b": [Infinity, 1]}', mechanism="open", theory="", by="anna")

    assert json.loads(trials(notebook)[0].metrics) == {"a": None, "b": [None, 1]}


def test_text_that_is_no_unicode_is_kept_as_what_can_be_read_again(notebook: Notebook) -> None:
    notebook.begin(notebook.state("a\udcffb", "why\ud800", by="\udcff"), by="\udcff")

    assert trials(notebook)[0].hypothesis == ("h1", "a?b", "why?")


def test_looking_makes_nothing(notebook: Notebook) -> None:
    assert trials(notebook) == []
    assert not notebook.folder.exists()


def test_all_working_trees_of_a_repository_share_a_notebook(tmp_path: Path) -> None:
    root = user_repository(tmp_path / "user")
    git(root, "worktree", "add", "-q", str(tmp_path / "other"), "-b", "experiment/x")
    here, there = Notebook(root / "research" / "sine"), Notebook(tmp_path / "other" / "research" / "sine")

    here.begin(here.state("warm up", "why", by="anna"), by="anna")
    there.begin(there.state("wider", "why", by="bo"), by="bo")

    assert here.folder == there.folder
    assert here.folder.name.startswith("user-")
    assert [(trial.id, trial.hypothesis.title, trial.task) for trial in trials(there)] == [
        ("e1", "warm up", "research-sine"),
        ("e2", "wider", "research-sine"),
    ]


def test_a_task_is_a_path_in_the_repository(tmp_path: Path) -> None:
    root = user_repository(tmp_path / "user")

    assert place_of(root / "research" / "sine").task == "research-sine"
    assert place_of(root).task == ""


def test_a_submodule_is_a_repository_of_its_own(tmp_path: Path) -> None:
    inner, outer = user_repository(tmp_path / "inner"), user_repository(tmp_path / "outer")
    git(outer, "submodule", "add", "-q", str(inner), "part")

    assert place_of(outer / "part" / "research").task == "research"
    assert place_of(outer / "part").root not in (place_of(outer).root, place_of(inner).root)


@pytest.mark.parametrize("content", [None, b"", b"gitdir: /nowhere\n", b"\xff\xfe"])
def test_outside_of_a_repository_a_folder_has_its_own(tmp_path: Path, content: bytes | None) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    if content is not None:
        (tmp_path / "a" / ".git").write_bytes(content)

    assert Notebook(tmp_path / "a").folder != Notebook(tmp_path / "b").folder
    assert place_of(tmp_path / "a").task == ""


WRITER = """
import sys
from pathlib import Path
from loopwatch.engine.notebook import Notebook

notebook = Notebook(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for number in range(30):
    trial = notebook.begin(notebook.state(f"{sys.argv[2]} {number}", "why", by=sys.argv[2]), by=sys.argv[2])
    notebook.end(trial, "keep", metrics="{}", mechanism="open", theory=f"{sys.argv[2]} {number}", by=sys.argv[2])
    print(trial, flush=True)
"""


def test_processes_that_write_at_once_lose_no_row_and_share_no_name(tmp_path: Path) -> None:
    folders = [tmp_path / "user", tmp_path / "other"]
    user_repository(folders[0])
    git(folders[0], "worktree", "add", "-q", str(folders[1]), "-b", "experiment/x")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(folder), folder.name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for folder in folders
    ]  # fmt: skip
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()

    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    given = [writer.communicate()[0].split() for writer in writers]

    there = trials(Notebook(folders[0]))
    assert sorted(given[0] + given[1]) == sorted(f"e{number}" for number in range(1, 61))
    assert {trial.id for trial in there} == {*given[0], *given[1]}
    assert [trial.theory for trial in there] == [trial.hypothesis.title for trial in there]
    assert [trial.hypothesis.title for trial in there if trial.id in given[0]] == [f"user {n}" for n in range(30)]


def test_an_existing_database_is_taken_in(notebook: Notebook, database: sqlite3.Connection, tmp_path: Path) -> None:
    taken = notebook.take_in(tmp_path / "experiments.db", by="anna")

    assert taken == (2, 3, 2, {}, 0)
    assert [told(trial) for trial in trials(notebook)] == [
        ("e1", "warm up", "discard", "refuted", '{"reward": null}', "it was the seed"),
        ("e2", "wider", "keep", "confirmed", '{"val_score": 0.85}', ""),
        ("e414", "wider", None, "open", "{}", ""),
    ]
    assert [trial.id for trial in trials(notebook, "gepa")] == ["e2", "e414"]
    assert notebook.begin("h2", by="anna") == "e415"


def test_taking_in_twice_adds_nothing(notebook: Notebook, database: sqlite3.Connection, tmp_path: Path) -> None:
    notebook.take_in(tmp_path / "experiments.db", by="anna")
    before = notebook.pages()

    assert notebook.take_in(tmp_path / "experiments.db", by="bo") == (0, 0, 0, {}, 0)
    assert notebook.pages() == before


def test_what_is_new_in_a_database_is_added(notebook: Notebook, database: sqlite3.Connection, tmp_path: Path) -> None:
    notebook.take_in(tmp_path / "experiments.db", by="anna")
    database.execute("insert into results values ('e414', '{}', null, '', 'crash', '2026-03-09T00:00:00+00:00')")

    assert notebook.take_in(tmp_path / "experiments.db", by="anna") == (0, 0, 1, {}, 0)
    assert trials(notebook)[-1].verdict == "crash"


def test_a_name_that_is_taken_here_is_given_anew_and_only_once(
    notebook: Notebook, database: sqlite3.Connection, tmp_path: Path
) -> None:
    notebook.begin(notebook.state("mine", "why", by="anna"), by="anna")

    first = notebook.take_in(tmp_path / "experiments.db", by="anna")
    again = notebook.take_in(tmp_path / "experiments.db", by="anna")

    assert first.renamed == {"h1": "h2", "h2": "h3", "e1": "e2", "e2": "e3"}
    assert again == (0, 0, 0, {}, 0)
    assert [(trial.id, trial.hypothesis.title) for trial in trials(notebook)] == [
        ("e2", "warm up"), ("e3", "wider"), ("e414", "wider"), ("e1", "mine"),
    ]  # fmt: skip


def test_the_older_names_of_columns_are_known(notebook: Notebook, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old.db")) as db:
        db.executescript((SCHEMA + ROWS).replace("mechanism text", "mechanism_explanation text"))

    notebook.take_in(tmp_path / "old.db", by="anna")

    assert trials(notebook)[0].hypothesis.mechanism == "the first steps diverge"


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_database_is_only_read(notebook: Notebook, tmp_path: Path, journal: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    with closing(sqlite3.connect(folder / "experiments.db")) as db:
        db.execute(f"pragma journal_mode = {journal}")
        db.executescript(SCHEMA + ROWS)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}

    notebook.take_in(folder / "experiments.db", by="anna")

    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()} == before
    assert len(trials(notebook)) == 3


def test_what_another_process_has_only_in_its_log_is_read_too(notebook: Notebook, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "live.db")) as db:
        db.execute("pragma journal_mode = wal")
        db.executescript(SCHEMA + ROWS)

        notebook.take_in(tmp_path / "live.db", by="anna")

    assert len(trials(notebook)) == 3


def test_rows_that_belong_to_nothing_are_left_out(
    notebook: Notebook, database: sqlite3.Connection, tmp_path: Path
) -> None:
    database.execute("delete from hypotheses where id = 'h1'")

    assert notebook.take_in(tmp_path / "experiments.db", by="anna") == (1, 2, 1, {}, 2)
    assert [trial.id for trial in trials(notebook)] == ["e2", "e414"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("drop table results", "no experiments.db of a lab: it has no table results"),
        ("drop table results; create view results as select 1", "it has no table results"),
        ("alter table hypotheses drop column title", "its table hypotheses has no column title"),
        ("update results set verdict = 'maybe'", "the verdict of e1 is 'maybe'"),
        ("update results set metrics_json = '[]'", "are no JSON object"),
        ("update hypotheses set created_at = 'soon'", "Invalid isoformat string: 'soon'"),
        ("update hypotheses set title = x'00ff'", "title is .*, which is no text"),
    ],
)
def test_a_database_that_no_lab_wrote_is_refused_whole(
    notebook: Notebook, database: sqlite3.Connection, tmp_path: Path, change: str, said: str
) -> None:
    database.executescript(change)

    with pytest.raises(ConfigError, match=said):
        notebook.take_in(tmp_path / "experiments.db", by="anna")

    assert notebook.pages().hypotheses == {}


@pytest.mark.parametrize(
    "content", [b"no database, but long enough to be one" * 100, b"SQLite format 3\0" + b"\xa5" * 5000]
)
def test_a_file_that_is_no_database_is_refused(notebook: Notebook, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.db").write_bytes(content)

    with pytest.raises(ConfigError, match=r"broken.db cannot be read: .*; is it the experiments.db of a lab"):
        notebook.take_in(tmp_path / "broken.db", by="anna")


@pytest.mark.parametrize("name", ["nowhere.db", "."])
def test_a_file_that_is_not_there_is_said_so(notebook: Notebook, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        notebook.take_in(tmp_path / name, by="anna")
