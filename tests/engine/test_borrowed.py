"""Folders of a four-level project: read without running them, measured as their benchmark says, refused in plain words."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from loopwatch.engine.errors import TaskError
from loopwatch.engine.task import load

FOLDERS = Path(__file__).resolve().parents[1] / "tasks" / "four_levels"


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy of one of them, to be changed."""
    made: Path = tmp_path / "tasks" / request.param
    shutil.copytree(FOLDERS / request.param, made, ignore=shutil.ignore_patterns("__pycache__"))
    return made


snake = pytest.mark.parametrize("folder", ["snake"], indirect=True)
email = pytest.mark.parametrize("folder", ["email_validation"], indirect=True)
support = pytest.mark.parametrize("folder", ["support"], indirect=True)


def write(folder: Path, name: str, before: str, after: str) -> None:
    """Change one place of a file."""
    text = (folder / name).read_text()
    assert text.count(before) == 1
    (folder / name).write_text(text.replace(before, after))


def ran(folder: Path, command: tuple[str, ...], cwd: Path) -> subprocess.CompletedProcess[str]:
    words = [word.replace("{python}", sys.executable) for word in command]
    return subprocess.run(
        words, cwd=cwd, env={"LOOPWATCH_WORKSPACE": str(folder)}, capture_output=True, text=True, timeout=60
    )


def measured(folder: Path, solution: str | None = None) -> str:
    """What the evaluation prints of a solution, run as the engine does: the benchmark in a copy that nobody changed."""
    work = folder.parent.parent / "work"
    shutil.copytree(folder, work)
    if solution is not None:
        (work / "initial_solution.py").write_text(solution)
    done = ran(work, load(str(folder)).evaluate.command, folder)
    return done.stdout.strip() if done.returncode == 0 else f"refused: {done.stderr.strip().splitlines()[-1]}"


def refused(folder: Path) -> str:
    with pytest.raises(TaskError) as error:
        load(str(folder))
    return str(error.value).replace(str(folder), "DIR")


# -- read --------------------------------------------------------------------------------------------------------------


@snake
def test_a_folder_says_its_name_metric_and_limits_by_its_config(folder: Path) -> None:
    task = load(str(folder))

    assert (task.name, task.folder) == ("snake", folder)
    assert (task.metric.name, task.metric.direction, task.metric.target, task.metric.noise) == (
        "score",
        "up",
        None,
        None,
    )
    assert (task.editable, task.frozen) == (("initial_solution.py",), ("benchmark.py", "config.py"))
    assert task.evaluate.seconds == 60
    assert task.trust == "locked"


@email
def test_files_that_benchmark_and_config_name_are_frozen_and_labels_unseen(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    task = load(str(folder))

    assert task.frozen == ("benchmark.py", "config.py", "labelled.json")
    assert task.unseen == ("labelled.json",)
    assert (task.metric.target, task.evaluate.seconds) == (1.0, 30)


@email
def test_files_that_are_imported_are_frozen_too(folder: Path) -> None:
    write(folder, "benchmark.py", "import json\n", "import json\nimport helper\n")
    (folder / "helper.py").write_text('FILE = "more.json"\n')
    (folder / "more.json").write_text("[]")

    assert load(str(folder)).frozen == ("benchmark.py", "config.py", "helper.py", "labelled.json", "more.json")


@snake
def test_its_prompt_is_the_programme(folder: Path) -> None:
    assert load(str(folder)).words == (
        "This function steers a snake on a board of 8 by 8:\n\n(the code of initial_solution.py)\n\n"
        "It eats (the best so far) apples in a game, on average. Make it eat more. {No} other function is needed."
    )


@snake
def test_its_config_is_never_run(folder: Path) -> None:
    write(folder, "config.py", "PERFECT_SCORE = None", "PERFECT_SCORE = open('ran', 'w').write('x') or 3.0")
    task = load(str(folder))

    assert task.metric.target is None
    assert not (folder / "ran").exists()
    assert not Path("ran").exists()


@snake
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            '"score"',
            "str(1)",
            "METRIC_NAME is not a plain value; it is read and not run, so write it like METRIC_NAME = ",
        ),
        ("TASK_NAME =", "NAME =", "TASK_NAME is not a plain value"),
        ("HIGHER_IS_BETTER = True", "HIGHER_IS_BETTER = 1", "HIGHER_IS_BETTER is not a plain value"),
        ("TASK_NAME =", "TASK_NAME ==== ", "cannot be read as Python"),
    ],
)
def test_what_config_does_not_say_plainly_is_named(folder: Path, before: str, after: str, said: str) -> None:
    write(folder, "config.py", before, after)

    assert refused(folder).startswith(f"DIR/config.py: {said}")


@snake
def test_a_name_that_no_line_could_have_gets_one_that_can(folder: Path) -> None:
    write(folder, "config.py", '"score"', '"apples eaten"')
    write(folder, "benchmark.py", 'print(f"score:', 'print(f"apples eaten:')

    assert load(str(folder)).metric.name == "apples_eaten"
    assert measured(folder) == "apples_eaten: 0.10"


def test_a_folder_that_is_neither_says_both(tmp_path: Path) -> None:
    assert "has no task.toml (nor config.py, initial_solution.py, benchmark.py)" in refused(tmp_path)


@snake
def test_the_folder_around_them_says_which_one_to_run(folder: Path) -> None:
    said = refused(folder.parent.parent)

    assert said == "DIR is no task, but has some in it; run one with: loopwatch run DIR/tasks/snake"


@snake
def test_a_task_toml_comes_first(folder: Path) -> None:
    (folder / "task.toml").write_text("name = 3\n")

    assert "task.toml" in refused(folder)


# -- measured ----------------------------------------------------------------------------------------------------------


@snake
def test_the_run_command_only_looks_whether_the_solution_compiles(folder: Path) -> None:
    command = load(str(folder)).run.command

    assert ran(folder, command, folder).stdout.startswith("step 00001 (100.0%)")
    (folder / "initial_solution.py").write_text("def (")
    assert "SyntaxError" in ran(folder, command, folder).stderr


@email
def test_the_number_is_what_the_benchmark_prints_of_the_solution_in_the_working_copy(folder: Path) -> None:
    assert measured(folder, "def validate_email(address):\n    return True\n") == "accuracy: 0.5000"


@email
@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            'print("correct:False")',
            "refused: benchmark.py says correct:False: the solution gives wrong results, so it has no number",
        ),
        ("import os; os.kill(os.getpid(), 9)", "refused: benchmark.py was killed by signal 9"),
        ("1 / 0", "refused: ZeroDivisionError: division by zero"),
        ('print("x" * 9_000_000)', "refused: benchmark.py printed more than 8,388,608 bytes"),
        ('print("accuracy:1.0")', "accuracy: 1.0\naccuracy: 0.5000"),  # the engine refuses two
    ],
)
def test_a_solution_that_goes_wrong_has_no_number(folder: Path, line: str, said: str) -> None:
    assert measured(folder, f"{line}\ndef validate_email(address):\n    return True\n") == said


@snake
def test_a_benchmark_that_prints_no_number_is_told_what_is_wanted(folder: Path) -> None:
    write(folder, "benchmark.py", 'print(f"score:', 'print(f"apples:')

    assert measured(folder) == "refused: benchmark.py printed no line score:VALUE"


# -- judged ------------------------------------------------------------------------------------------------------------


@support
def test_answers_are_scored_by_the_facts_that_can_be_looked_up_and_that_is_said(folder: Path) -> None:
    task = load(str(folder))

    assert measured(folder) == "quality_score: 37.5000"
    assert task.remarks[0].startswith(
        "no model judges: an answer is scored by the 3 facts of the rubric that can be looked"
    )
    assert "1 more cannot be looked up, and count as not stated" in task.remarks[0]
    assert task.unseen == ("questions.json", "rubric_checks.json")


@support
@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("UNTIL 14, in 3 days", "62.5000"),
        ("9 to 18, till 14, three days", "87.5000"),
        ("x" * 1000 + "3 days 9 to 18", "0.0000"),
    ],
)
def test_an_answer_counts_for_what_it_states_early_enough(folder: Path, answer: str, score: str) -> None:
    solution = f"def answer_question(question, knowledge):\n    return {answer!r}\n"

    assert measured(folder, solution) == f"quality_score: {score}"


@support
@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ("print('answers:[1]')", "printed 2 lines answers:JSON, and one is wanted"),
        ("import json; json.dumps = lambda one: '['", "printed answers that are no JSON"),
        ("import json; json.dumps = lambda one: '[1]'", "did not print an answer for each of the 2 questions"),
    ],
)
def test_answers_that_cannot_be_read_are_refused(folder: Path, printed: str, said: str) -> None:
    solution = f"{printed}\ndef answer_question(question, knowledge):\n    return ''\n"

    assert measured(folder, solution) == f"refused: benchmark.py {said}"


@support
def test_without_facts_that_can_be_looked_up_a_judge_is_needed(folder: Path) -> None:
    (folder / "rubric_checks.json").unlink()
    task = load(str(folder))

    assert "name a judge (--judge anthropic:MODEL), or add rubric_checks.json" in task.needs_judge
    assert task.judged().needs_judge == ""


@support
def test_a_test_case_without_anything_to_judge_by_is_named(folder: Path) -> None:
    (folder / "rubric_checks.json").write_text('[{"question": "When?", "fact_checks": [{"keywords": 3}, 7]}]')

    assert "rubric_checks.json: test case 1 has neither facts nor an expected answer" in refused(folder)


@support
def test_facts_may_stand_in_the_test_cases(folder: Path) -> None:
    (folder / "rubric_checks.json").unlink()
    cases = [
        {"question": "When are you open?", "facts": ["9 to 18"]},
        {"question": "How long?", "facts": ["three days"]},
    ]
    (folder / "questions.json").write_text(json.dumps(cases))

    assert measured(folder) == "quality_score: 50.0000"


@support
def test_test_cases_that_are_made_by_code_cannot_be_read(folder: Path) -> None:
    (folder / "rubric_checks.json").unlink()
    write(folder, "config.py", "TEST_CASES = json.load(f)", "TEST_CASES = list(range(3))")

    assert "TEST_CASES is no list that can be read" in refused(folder)
