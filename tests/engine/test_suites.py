"""The files of suites: written from the ledger, again where they are missing or were changed."""

import json
from pathlib import Path

import pytest

from loopwatch.engine.agent_events import RoundBegan, SuiteChanged, TestCase, TestsProposed, TestsWeighed
from loopwatch.engine.errors import TaskError
from loopwatch.engine.lineage import Lineage
from loopwatch.engine.suites import Suites, same
from loopwatch.engine.task import load
from tests.engine.quiz import quiz_in
from tests.stories.story import fold

NEW = TestCase(input=5, expected=10, why="larger")


@pytest.fixture
def suites(tmp_path: Path) -> Suites:
    task = load(str(quiz_in(tmp_path / "task", numbers=(1, 2))))
    (tmp_path / "run").mkdir()
    return Suites(task, task.folder, tmp_path / "run")


def grown(suites: Suites, *more: TestCase) -> Lineage:
    """One test was admitted and is in suite 1; `more` came after it."""

    def round_of(number: int, admitted: tuple[TestCase, ...]) -> list[RoundBegan | TestsProposed | TestsWeighed]:
        return [
            RoundBegan(round=number, code=(), test=("test-1",)),
            TestsProposed(round=number, agent="test-1", tests=admitted),
            TestsWeighed(round=number, agent="test-1", admitted=admitted),
        ]

    before = fold(list(enumerate(round_of(1, (NEW,))))).lineage
    facts = [*round_of(1, (NEW,)), suites.changed(before, 1), *round_of(2, more)]
    return fold(list(enumerate(facts))).lineage


def test_before_it_grows_the_suite_is_the_tasks_own_file(suites: Suites) -> None:
    assert suites.file(Lineage()) == suites.original
    assert [test.input for test in suites.tests(Lineage())] == [1, 2]


def test_a_grown_suite_has_the_original_tests_first_and_those_that_were_admitted_until_then(suites: Suites) -> None:
    lineage = grown(suites, TestCase(input=6, expected=12))

    file, wider = suites.file(lineage), suites.next(lineage)

    assert file.name == "0001.json"
    assert [test["input"] for test in json.loads(file.read_text())] == [1, 2, 5]
    assert [test.input for test in suites.tests(lineage)] == [1, 2, 5]
    assert [test["input"] for test in json.loads(wider.read_text())] == [1, 2, 5, 6]
    assert lineage.suites == [SuiteChanged(suite=1, round=1, size=3, digest=lineage.suites[0].digest)]


@pytest.mark.parametrize("spoil", ["unlink", "truncate", "link"])
def test_a_file_that_is_not_what_the_ledger_says_is_written_again(suites: Suites, tmp_path: Path, spoil: str) -> None:
    lineage = grown(suites)
    file = suites.file(lineage)
    before, elsewhere = file.read_bytes(), tmp_path / "elsewhere"
    elsewhere.write_text("[]")
    file.unlink()
    if spoil == "truncate":
        file.write_bytes(before[:10])
    if spoil == "link":
        file.symlink_to(elsewhere)

    again = suites.file(lineage)

    assert again.read_bytes() == before
    assert elsewhere.read_text() == "[]"


def test_what_a_task_says_of_its_own_tests_besides_is_kept(suites: Suites) -> None:
    suites.original.write_text('[{"input": 1, "expected": 2, "group": "small"}]')

    told = json.loads(suites.file(grown(suites)).read_text())

    assert told == [{"input": 1, "expected": 2, "group": "small"}, NEW.model_dump()]


def test_an_original_suite_that_has_changed_is_no_base_for_numbers_of_before(suites: Suites) -> None:
    lineage = grown(suites)
    suites.original.write_text("[]")

    with pytest.raises(TaskError, match="is not what it was when suite 1 was made; start a new run"):
        suites.file(lineage)


@pytest.mark.parametrize("text", ["", "{}", '[{"expected": 1}]', "[1]"])
def test_what_is_no_list_of_tests_is_named(suites: Suites, text: str) -> None:
    suites.original.write_text(text)

    with pytest.raises(TaskError, match=r"tests\.json: not a list of tests like"):
        suites.tests(Lineage())


def test_two_tests_are_the_same_by_their_input_alone() -> None:
    assert same(TestCase(input={"a": 1, "b": 2}, expected=1)) == same(TestCase(input={"b": 2, "a": 1}, why="another"))
    assert same(TestCase(input=1)) != same(TestCase(input="1"))
