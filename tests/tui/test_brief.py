"""`loopwatch brief` and `loopwatch mechanism`: what they print, and what they send."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from loopwatch.engine import client
from loopwatch.engine.errors import ConfigError
from loopwatch.tui.arguments import parser
from loopwatch.tui.ask import mechanism
from tests.tui.command import CLI, UNCONTAINED, Command


def test_a_person_reads_the_next_prompt_and_says_what_became_of_a_mechanism(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopwatch = Command(tmp_path)
    monkeypatch.setenv("LOOPWATCH_HOME", str(loopwatch.home))
    quick = ("--noise-repeats", "0", *UNCONTAINED)
    loopwatch("run", "sine", *quick, "--headless", "--experiments", "2", "--gate", "apply=auto")

    raw = subprocess.run([*CLI, "brief"], env=loopwatch.environment, capture_output=True, check=True)
    told = loopwatch.json("brief")
    none = loopwatch("brief", "--experiment", "2")
    unasked = loopwatch("mechanism", "2", "refuted")

    assert raw.stdout == client.brief(client.find()).text.encode()
    assert b"#2 " in raw.stdout
    assert b"the prompt that #3 would be given now: about" in raw.stderr
    assert (told["experiment"], told["given"], told["left_out"]) == (3, False, [])
    assert hashlib.sha256(told["text"].encode()).hexdigest() == told["digest"]
    assert (none.returncode, none.stdout) == (1, "")
    assert "#2 had no prompt" in none.stderr
    assert "no engine runs" in unasked.stderr


@pytest.mark.parametrize("words", [["2"], ["2", "maybe"], ["two", "refuted"], ["a", "b", "2", "open"]])
def test_a_mechanism_that_cannot_be_read_says_how_to_write_one(words: list[str]) -> None:
    args = parser().parse_args(["mechanism", *words])

    with pytest.raises(ConfigError, match=r"expected \[RUN\] N confirmed\|refuted\|open"):
        mechanism(args)
