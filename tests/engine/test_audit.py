"""An audit of a real run: it agrees with itself, and any one byte that is changed is found."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import pygit2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from loopwatch.engine import chain, events
from loopwatch.engine.audit import Audit, audit
from loopwatch.engine.chain import Row
from loopwatch.engine.errors import LedgerError
from loopwatch.engine.ledger import Ledger, as_it_stands
from loopwatch.engine.money import Usage
from tests.stories.story import Story, change

MANY = settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a run that has ended: kept, discarded, crashed and vetoed experiments, and a lost attempt."""
    folder = tmp_path_factory.mktemp("story")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LOOPWATCH_HOME", str(folder / "home"))
        environment.setenv("LOOPWATCH_USER", "anna")
        story = Story(folder)
        flag = str(folder / "flag")
        once = f"import os; os.path.exists({flag!r}) or (open({flag!r}, 'w').close(), os.kill(os.getppid(), 9))"
        script = [
            change(2.0),
            change(1.5, "print('what it says')"),
            change(3.0, once),
            change(4.0, "1 / 0"),
            change(5.0),
        ]
        story.begin(script, ask=["apply"], stop={"experiments": 6})
        for number in (2, 3, 4, 5):
            story.reply("apply", number, "approve")
        story.reply("apply", 6, "veto", reason="enough")
        story.ends()
        story.close()
        yield story.run.folder


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, to be spoiled."""
    copy = tmp_path / "home" / "runs" / finished.name
    shutil.copytree(finished, copy, symlinks=True)
    return copy


def audited(run_dir: Path, *, alive: bool = False) -> Audit:
    return audit(run_dir, alive=alive, progress=lambda part, done, total: None)


@contextmanager
def spoiled(file: Path, at: int, other: int) -> Iterator[None]:
    """One byte of a file is another than it was."""
    whole, mode = file.read_bytes(), file.stat().st_mode
    file.chmod(0o600)
    file.write_bytes(whole[:at] + bytes([whole[at] ^ other]) + whole[at + 1 :])
    try:
        yield
    finally:
        file.write_bytes(whole)
        file.chmod(mode)


def sql(run_dir: Path, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(run_dir / "run.db")) as db:
        db.execute(statement, values)
        db.commit()


def facts_in(database: Path) -> list[Row]:
    """As they stand in the file; [] when nobody can read them."""
    try:
        with as_it_stands(database) as found:
            return list(found)
    except LedgerError:
        return []


def texts(found: Audit) -> list[str]:
    return [one.text for one in found.disagreements]


def test_a_run_agrees_with_itself(finished: Path) -> None:
    before = sorted((str(path), path.stat().st_mtime_ns) for path in finished.rglob("*"))

    found = audited(finished)

    assert texts(found) == []
    assert found.notes == []
    assert found.compared["experiments"] == found.compared["commits"] == 6
    assert min(found.compared[what] for what in ("facts", "objects", "refs", "logs")) >= 6
    assert sorted((str(path), path.stat().st_mtime_ns) for path in finished.rglob("*")) == before


@MANY
@given(data=st.data())
def test_any_byte_of_a_fact_that_is_changed_is_found(finished: Path, data: st.DataObject) -> None:
    database = finished / "run.db"
    rows, whole = facts_in(database), database.read_bytes()
    row = data.draw(st.sampled_from([row for row in rows if row.body.encode() in whole]))
    begin, size = whole.index(row.body.encode()), len(row.body.encode())
    before = 8 + len(row.kind) + (row.experiment not in (None, 1))  # when it was, what it is, and of which experiment
    at = data.draw(st.integers(begin - before, begin + size + 63))  # behind it stands its hash

    with spoiled(database, at, data.draw(st.integers(1, 255))):
        assume(facts_in(database) != rows)  # not what an earlier page left behind
        found = audited(finished)

    assert found.disagreements


@MANY
@given(data=st.data())
def test_any_byte_of_a_log_an_object_or_a_ref_that_is_changed_is_found(finished: Path, data: st.DataObject) -> None:
    repository = finished / "repo.git"
    logs = [file for file in (finished / "logs").glob("0*.log") if file.stat().st_size]
    objects = list((repository / "objects").rglob("?" * 38))
    refs = [file for file in (repository / "refs").rglob("*") if file.is_file()]
    file = data.draw(st.sampled_from(data.draw(st.sampled_from([logs, objects, refs]))))
    at, other = data.draw(st.integers(0, file.stat().st_size - 1)), data.draw(st.integers(1, 255))

    with spoiled(file, at, other):
        found = audited(finished)

    assert found.disagreements


def _rewrite(run_dir: Path) -> None:
    """Make one number better, and every hash after it right again."""
    sql(run_dir, "update event set body = replace(body, '\"value\":2.0', '\"value\":2.5') where kind = 'measured'")
    with as_it_stands(run_dir / "run.db") as found:
        rows = list(found)
    before = chain.START
    for row in rows:
        before = chain.linked(before, row)
        sql(run_dir, "update event set hash = ? where seq = ?", before, row.seq)


def _cut(run_dir: Path) -> None:
    """Take away all that is told of the last experiment."""
    sql(run_dir, "delete from event where seq >= (select min(seq) from event where experiment = 6)")


def _ref(run_dir: Path, name: str) -> Path:
    return next((run_dir / "repo.git" / "refs").rglob(name))


def _branch_back(run_dir: Path) -> None:
    _ref(run_dir, run_dir.name).write_bytes(_ref(run_dir, "0002").read_bytes())


def _another_author(run_dir: Path) -> None:
    """The last kept commit is made again by somebody else, with the same content, and put in place."""
    tip = _ref(run_dir, run_dir.name)
    store = pygit2.Repository(str(run_dir / "repo.git"))
    old = store[tip.read_text().strip()].peel(pygit2.Commit)
    me = pygit2.Signature("mallory", "mallory@localhost", old.commit_time, 0)
    made = store.create_commit(None, me, me, old.message, old.tree_id, old.parent_ids)
    tip.write_text(f"{made}\n")


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "a log that is gone": (
        lambda run: (run / "logs" / "0002-1.log").unlink(), "#2: its log 0002-1.log is missing"
    ),
    "a commit that no ref keeps": (
        lambda run: _ref(run, "0003").unlink(), "#3 has a commit, but no ref keeps it"
    ),
    "a branch that was set back": (
        _branch_back, "the branch holds #1, #2, but what was kept is #1, #2, #4"
    ),
    "a commit by somebody else": (_another_author, "the branch holds #1, #2, "),
    "an evaluator that was changed": (
        lambda run: (run / "pristine" / "evaluate.py").write_text("print('score: 9')\n"),
        "evaluate.py in the pristine copy, which measures, is not as it was at the start",
    ),
    "facts that were cut off": (_cut, "refs/loopwatch/experiments/0006 belongs to no experiment of the ledger"),
    "a number and its whole chain": (_rewrite, "#2: its commit says Loopwatch-Ledger: "),
    "a number": (
        lambda run: sql(run, "update event set at = at + 1 where kind = 'measured'"), " is not as it was written: its hash is another"
    ),
    "a fact that means something else": (
        lambda run: sql(run, "update event set kind = 'warned' where seq = 5"), "fact 5 is filed as another than it is"
    ),
    "a fact that nobody understands": (
        lambda run: sql(run, "update event set body = '{}' where seq = 5"),
        "fact 5 cannot be understood; what follows it was not compared",
    ),
    "a ledger that is none": (
        lambda run: (run / "run.db").write_bytes(b"x" * 8192), "run.db cannot be read: file is not a database"
    ),
    "a repository that is none": (
        lambda run: shutil.rmtree(run / "repo.git"), "the repository cannot be read: "
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SPOILED)
def test_what_does_not_agree_is_said_in_a_sentence(what: str, run: Path) -> None:
    do, sentence = SPOILED[what]
    do(run)

    found = audited(run)

    assert [text for text in texts(found) if sentence in text], texts(found)


def test_a_prompt_that_is_not_as_it_was_given_is_found_and_so_is_a_bill_too_many(run: Path) -> None:
    text = "do something"
    digest = sha256(text.encode()).hexdigest()
    briefs = run / "briefs"
    briefs.mkdir(exist_ok=True)
    (briefs / f"{digest}.txt").write_text("do anything")
    ledger = Ledger.of(run)
    ledger.append(
        events.Requested(experiment=6, request=1, role="reviewer", model="m", prompt_tokens=1),
        events.Billed(experiment=6, request=1, usage=Usage(), usd=0.5),
        events.Billed(experiment=6, request=1, usage=Usage(), usd=0.25),
        events.Reviewed(
            experiment=6, by="r", issue_type="none", severity="low", fix_suggestion="", confidence=1, digest=digest
        ),
    )
    ledger.close()

    found = audited(run)

    assert texts(found) == [
        "request 1 was billed again after its last bill", f"#6: the prompt {digest[:12]} is not as it was given"
    ]  # fmt: skip


def test_an_older_ledger_is_audited_and_its_age_said(run: Path) -> None:
    sql(run, "update event set hash = ''")

    found = audited(run)

    assert found.notes == [
        f"{found.compared['facts']} facts are from a loopwatch that wrote no hashes; nothing vouches for them"
    ]
    assert {one.part for one in found.disagreements} == {"git"}  # for its commits know of hashes


def test_where_nothing_may_be_written_an_audit_still_works(run: Path) -> None:
    for folder in (run, run / "repo.git"):
        folder.chmod(0o500)

    found = audited(run)

    run.chmod(0o700)
    assert texts(found) == []
