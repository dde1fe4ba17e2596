"""Experiments that go wrong, on purpose or not: each has its verdict, and the run goes on."""

from pathlib import Path
from typing import Any

from loopwatch.engine.events import Applied, Asked, Decided, Finished, Judged, Proposed

from .story import HOLD_ON, Story, change

SAYS = "(out / 'evaluate').write_text({!r})"
STUBBORN = """\
import signal, subprocess, sys, time
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.environ.clear()
        subprocess.run([sys.executable, '-c', 'import time; time.sleep(300)', os.getcwd()])
time.sleep(300)
"""
FLOOD = """\
line = b'tokens and more tokens ' * 40 + bytes([10])
for _ in range(60):
    os.write(1, line * 1000 + b'step: 1 loss: 2' + bytes([10]))
for _ in range(50):
    os.write(1, bytes(1_000_000))
"""
NANS = "for step in range(1, 5): print(f'step: {step} loss: nan', flush=True)\n"

GOES_WRONG = [
    ("raise ValueError('no such shape')", "crashed", "exit code 1: ValueError: no such shape"),
    ("os.kill(os.getpid(), 11)", "crashed", "signal 11"),
    (STUBBORN, "timed_out", "the hard limit of 3 s was over"),
    ("import shutil; shutil.rmtree(os.getcwd())", "voided", "frozen files were changed while it ran: evaluate.py"),
    (
        "pathlib.Path('evaluate.py').write_text('print(999)')",
        "voided",
        "frozen files were changed while it ran: evaluate.py",
    ),
    ("pathlib.Path('../pristine/evaluate.py').write_text('print(999)')", "voided", "evaluate.py"),
    ("pathlib.Path('../pristine/os.py').write_text('print(999)')", "voided", "os.py"),
    ("(out / 'score').unlink()", "no_metric", "the evaluator ended with exit code 1: FileNotFoundError"),
    ("out.chmod(0); os.chdir('/')", None, ""),
    (SAYS.format(""), "no_metric", "the evaluator printed no line score: NUMBER"),
    (SAYS.format("print('score: nan')"), "no_metric", "score: nan, which is not finite"),
    (SAYS.format("print('score: -inf')"), "no_metric", "score: -inf, which is not finite"),
    (SAYS.format("print('score: ten')"), "no_metric", "score: ten, which is no number"),
    (SAYS.format("print('score: 3'); print('score: 4')"), "no_metric", "the evaluator printed score 2 times"),
    (SAYS.format("print('score: 1e9')"), "voided", "score 1e+09 is outside the plausible range 0 … 1000"),
    (SAYS.format("raise SystemExit(3)"), "no_metric", "the evaluator ended with exit code 3"),
    (SAYS.format("os.kill(os.getpid(), 9)"), "no_metric", "the evaluator was killed by signal 9"),
    (SAYS.format("import time; time.sleep(300)"), "no_metric", "the evaluator was stopped after 3 s"),
    (NANS + HOLD_ON, "aborted", "the loss was not a finite number in the last 3 reports; aborted by policy auto"),
]


def test_whatever_an_experiment_does_it_gets_its_verdict_and_the_run_goes_on(story: Story) -> None:
    story.make_task(wall_seconds=3)
    script = [change(9.0, do) for do, _, _ in GOES_WRONG]
    story.begin([*script, change(10.0)], stop={"failures": None, "invalid": None, "experiments": len(script) + 2})

    story.ends()

    found = {number: story.verdict(number) for number in range(2, len(script) + 2)}
    expected = {number: (verdict, why) for number, (_, verdict, why) in enumerate(GOES_WRONG, start=2) if verdict}
    assert {number: found[number].verdict for number in expected} == {
        n: verdict for n, (verdict, _) in expected.items()
    }
    for number, (_, why) in expected.items():
        assert why in found[number].reason
    assert story.verdicts[0] == story.verdicts[-1] == "kept"
    assert len(story.all(Finished)) == len(story.state.experiments)
    assert "SCORE = 10.0" in (story.run.folder / "work" / "train.py").read_text()
    assert not list((story.run.folder / "out").glob("0010-*"))


def test_a_flood_of_output_costs_neither_the_disk_nor_the_engine(story: Story) -> None:
    story.begin([change(2.0, FLOOD), change(3.0, "print('\\x1b]0;owned\\x07\\x1b[2J\\x9b31m')")], ask=["apply"])

    story.waits("apply", 2)
    before = _resident_megabytes(story)
    story.reply("apply", 2, "approve")
    story.waits("apply", 3)
    after = _resident_megabytes(story)
    story.reply("apply", 3, "approve")
    story.ends()

    assert story.verdicts[:3] == ["kept", "kept", "kept"]
    assert story.all(Finished, experiment=2)[0].log_bytes > 100_000_000
    assert len(story.log_of(2)) < 17 * 2**20
    assert b"[loopwatch: " in story.log_of(2)
    assert after - before < 80
    assert b"\x1b]0;owned" in story.log_of(3)


def test_a_person_may_let_a_hopeless_experiment_run_or_end_it(story: Story) -> None:
    go_on = "while not (out / 'go').exists(): pass"
    story.begin([change(2.0, NANS + go_on), change(3.0, NANS + HOLD_ON)], ask=["run"])

    asked = story.waits("run", 2)
    let_run = story.reply("run", 2, "let_run")
    (story.run.folder / "out" / "0002-1" / "go").touch()
    aborted = story.reply("run", 3, "abort", reason="it is lost")
    story.ends()

    assert asked.question == "abort suggested: the loss was not a finite number in the last 3 reports"
    assert asked.suggestion == "abort"
    assert (let_run.answer, aborted.answer) == ("let run #2", "aborted #3")
    assert story.verdicts[:3] == ["kept", "kept", "aborted"]
    assert story.verdict(3).reason.endswith("aborted by anna: it is lost")


def test_what_an_experiment_ends_before_the_answer_is_not_aborted_any_more(story: Story) -> None:
    go_on = "while not (out / 'go').exists(): pass"
    story.begin([change(2.0, NANS + go_on)], ask=["run", "verdict"])

    story.waits("run", 2)
    (story.run.folder / "out" / "0002-1" / "go").touch()
    story.reply("verdict", 2, "accept")
    story.ends()

    assert [fact.gate for fact in story.all(Asked)] == ["run", "verdict"]
    assert not story.all(Decided, experiment=2, gate="run")
    assert story.verdicts[:2] == ["kept", "kept"]


OUTSIDE = "--- a/evaluate.py\n+++ b/evaluate.py\n@@ -1,1 +1,1 @@\n-import os\n+import sys\n"
TRAVERSAL = "--- a/../train.py\n+++ b/../train.py\n@@ -1,1 +1,1 @@\n-import os\n+import sys\n"
RENAME = "diff --git a/train.py b/evaluate.py\nsimilarity index 90%\nrename from train.py\nrename to evaluate.py\n"
NEW = "--- /dev/null\n+++ b/sitecustomize.py\n@@ -0,0 +1,1 @@\n+print('hello')\n"
CHANGE = "--- a/train.py\n+++ b/train.py\n@@ -1,1 +1,1 @@\n-import os\n+/etc/passwd\n"
LINK = f"diff --git a/train.py b/train.py\nold mode 100644\nnew mode 120000\n{CHANGE}"
ABSOLUTE = "--- /etc/passwd\n+++ /etc/passwd\n@@ -1,1 +1,1 @@\n-import os\n+import sys\n"
REFUSED = [OUTSIDE, TRAVERSAL, RENAME, NEW, LINK, ABSOLUTE, "rewrite everything", ""]


def test_a_diff_that_leaves_the_editable_files_is_refused_before_anybody_is_asked(story: Story) -> None:
    script = [{"hypothesis": "a way out", "mechanism": "it leads out", "diff": diff} for diff in REFUSED]
    story.begin([*script, change(2.0)], ask=["apply"], stop={"failures": None})

    story.reply("apply", len(REFUSED) + 2, "approve")
    story.ends()

    for number in range(2, len(REFUSED) + 2):
        judged = story.verdict(number)
        assert (judged.verdict, judged.by, judged.commit) == ("vetoed", "edit gate", None)
        assert judged.reason.startswith("refused before it was applied: ")
        assert len(story.all(Proposed, experiment=number)) == 1
    assert "evaluate.py may not be changed; editable: train.py" in story.verdict(2).reason
    assert [fact.experiment for fact in story.all(Applied)] == [1, len(REFUSED) + 2]
    assert [fact.experiment for fact in story.all(Asked)] == [len(REFUSED) + 2]
    assert len(story.trained) == 2


def test_a_proposer_that_goes_wrong_ends_its_experiment_and_not_the_run(story: Story) -> None:
    torn = change(2.0, reasoning="half a \ud83d pair", hypothesis="torn \ud83d") | {"mechanism": "\udcff"}
    wrong: list[dict[str, Any]] = [
        {"fails": "no such model"},
        {"set": {"train.py": {"NOTHING": 1}}},
        {"set": {"nowhere.py": {"SCORE": 1}}},
    ]
    story.begin([*wrong, torn], stop={"failures": None})

    stopped = story.ends()

    assert stopped.because == "nothing_to_propose"
    assert story.verdicts[:5] == ["kept", "unproposed", "unproposed", "unproposed", "kept"]
    assert [fact.reason for fact in story.all(Judged)][1] == "the proposer failed: no such model"
    assert "NOTHING" in story.verdict(3).reason
    assert story.all(Proposed, experiment=5)[0].hypothesis == "torn ?"


def _resident_megabytes(story: Story) -> float:
    status = Path(f"/proc/{story.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
