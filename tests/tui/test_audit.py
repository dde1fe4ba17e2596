"""`loopwatch audit`, `rerun` and `ablate`, on one run that has ended."""

import json
import os
import signal
from collections.abc import Iterator
from hashlib import sha256

import pytest

from tests.stories.story import Story, change
from tests.waiting import until

from .command import Command

BY_SEED = "(out / 'score').write_text(os.environ['LOOPWATCH_SEED'])"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A run of seven experiments: three kept (the last of them by its seed), one discarded, one vetoed, one refused."""
    folder = tmp_path_factory.mktemp("story")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LOOPWATCH_HOME", str(folder / "home"))
        environment.setenv("LOOPWATCH_USER", "anna")
        told = Story(folder)
        held = f"import time\nwhile os.path.exists({str(folder / 'wait')!r}): time.sleep(0.05)"
        refused = {"hypothesis": "another evaluator", "mechanism": "it is kind", "diff": EVALUATOR}
        script = [change(2.0), change(3.0, held), change(1.0), change(5.0), refused, change(1.0, BY_SEED)]
        told.begin(script, ask=["apply"], stop={"experiments": 7}, keep="improve", seed=7)
        for number in (2, 3, 4):
            told.reply("apply", number, "approve")
        told.reply("apply", 5, "veto")
        told.reply("apply", 7, "approve")
        told.reply("verdict", 7, "keep")  # a jump that is hard to believe
        told.ends()
        yield told
        told.close()


EVALUATOR = "--- a/evaluate.py\n+++ b/evaluate.py\n@@ -1,1 +1,1 @@\n-import os\n+print('score: 9')\n"


@pytest.fixture
def command(story: Story) -> Command:
    return Command(story.home)


def test_an_audit_says_what_it_compared_and_that_it_agrees(command: Command, story: Story) -> None:
    done = command("audit")

    name = story.run.name
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{name}: compared ")
    assert "7 experiments, " in done.stdout
    assert done.stdout.endswith("\nthey agree\n")


def test_an_audit_names_what_does_not_agree_and_its_exit_code_says_so(command: Command, story: Story) -> None:
    log = story.run.folder / "logs" / "0002-1.evaluate.log"
    whole = log.read_bytes()
    log.write_bytes(b"score: 9.0\n")

    done, told = command("audit"), command("audit", "--json")

    log.write_bytes(whole)
    text = "#2: its log 0002-1.evaluate.log is not as it was when it was finished"
    assert done.returncode == told.returncode == 1
    assert done.stdout.endswith(f"\n  logs  {text}\n1 disagreement\n")
    found = json.loads(told.stdout)
    assert (found["run"], found["agrees"]) == (story.run.name, False)
    assert found["disagreements"] == [{"part": "logs", "text": text, "experiment": 2, "fact": None}]


def test_of_a_run_that_never_began_there_is_nothing_to_compare(command: Command, story: Story) -> None:
    empty = story.home / "runs" / "empty"
    empty.mkdir()
    (empty / "run.json").write_bytes((story.run.folder / "run.json").read_bytes())
    os.utime(empty / "run.json", (0, 0))

    done = command("audit", "empty")

    assert (done.returncode, done.stdout) == (1, "")
    assert "no engine ever worked on empty" in done.stderr


def test_a_rerun_trains_the_exact_bytes_and_leaves_the_run_alone(command: Command, story: Story) -> None:
    before = sha256((story.run.folder / "run.db").read_bytes()).digest()

    done = command("rerun", "2")

    assert (done.returncode, done.stdout) == (0, "#2, seed 7: score 2.0000; recorded 2.0000: exactly the same\n")
    assert story.trained[-1].endswith(" 2.0")
    assert sha256((story.run.folder / "run.db").read_bytes()).digest() == before
    assert not (story.run.folder / "retrial").exists()


def test_a_rerun_on_another_seed_may_give_another_number_and_the_exit_code_says_so(command: Command) -> None:
    done = command("rerun", "7", "--seed", "3")

    assert done.returncode == 1
    assert done.stdout == "#7, seed 3: score 3.0000; recorded 7.0000: worse by 4.0000, and the noise is not known\n"


def test_what_was_vetoed_can_be_trained(command: Command) -> None:
    found = command("rerun", "5", "--json")

    told = json.loads(found.stdout)
    assert (found.returncode, told["verdict"], told["recorded"], told["value"]) == (0, "vetoed", None, 5.0)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("6", "#6 cannot be trained, it was refused before it was applied: evaluate.py may not be changed"),
        ("2 --revision 4", "#2 has no proposal of revision 4; there is 1"),
        ("two", "two: name an experiment by its number"),
    ],
)
def test_what_cannot_be_trained_is_said_in_words(command: Command, typed: str, why: str) -> None:
    done = command("rerun", *typed.split())

    assert (done.returncode, done.stdout) == (1, "")
    assert why in done.stderr


def test_leaving_out_a_change_shows_what_it_is_worth(command: Command) -> None:
    done = command("ablate")

    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["CHANGE", "OWN", "GAIN", "LOST", "WITHOUT", "IT"]
    assert [line.split()[0] for line in lines[1:]] == ["#2", "#3", "#7"]
    assert "it cannot be separated from what came after it" in lines[1]
    assert lines[3].split()[-2:] == ["+4", "+4"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_a_rerun_that_is_ended_early(command: Command, story: Story, number: int) -> None:
    wait = story.folder / "wait"
    wait.touch()
    before = len(story.trained)
    viewer = command.background("rerun", "3")
    until(lambda: len(story.trained) > before)

    viewer.send_signal(number)
    viewer.wait(20)

    until(lambda: not story.processes())
    wait.unlink()
