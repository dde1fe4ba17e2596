"""Keys: found in three places, told to nobody."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwatch.engine import credentials, events
from loopwatch.engine.books import Books
from loopwatch.engine.credentials import Redactor, key, redact
from loopwatch.engine.errors import ConfigError
from loopwatch.engine.line import Line
from tests.engine import facts
from tests.engine.bench import journal_in

KEY = "sk-ant-api03-marked-1234567890"
OTHER = "sk-other-marked-0987654321"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "config"
    folder.mkdir()
    monkeypatch.setenv("LOOPWATCH_CONFIG", str(folder))
    for variable in credentials.VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)
    return folder


def write(folder: Path, text: str, mode: int = 0o600) -> Path:
    file = folder / "keys.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def test_without_a_key_there_is_none(config: Path) -> None:
    assert key("anthropic") is None
    assert redact("a word") == "a word"


def test_a_key_comes_from_the_file(config: Path) -> None:
    write(config, f'anthropic = "{KEY}"\n')

    assert (key("anthropic"), key("openai")) == (KEY, None)


def test_the_environment_goes_before_the_file(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(config, f'anthropic = "{KEY}"\n')
    monkeypatch.setenv("ANTHROPIC_API_KEY", OTHER)

    assert key("anthropic") == OTHER


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_file_that_others_may_read_is_refused_and_its_keys_are_hidden_all_the_same(config: Path, mode: int) -> None:
    file = write(config, f'anthropic = "{KEY}"\n', mode)

    with pytest.raises(ConfigError, match=f"others may read it; chmod 600 {file}"):
        key("anthropic")
    assert redact(f"it is {KEY}") == "it is [key]"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("anthropic = ", r"keys.toml: Invalid value .*lines such as anthropic"),
        ("antropic = 'x'", "keys.toml: antropic: it should be one of anthropic, openai"),
        ("openai = 5", "keys.toml: openai: it should be one of"),
        ("openai = ''", "keys.toml: openai: it should be one of"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(config: Path, text: str, said: str) -> None:
    write(config, text)

    with pytest.raises(ConfigError, match=said):
        key("openai")


def test_a_broken_file_is_not_quoted(config: Path) -> None:
    write(config, f"anthropic = {KEY}\n")

    with pytest.raises(ConfigError) as error:
        key("anthropic")

    assert "marked" not in str(error.value)


def test_a_keyring_is_asked_when_it_is_installed(config: Path, tmp_path: Path) -> None:
    package = tmp_path / "site" / "keyring"
    package.mkdir(parents=True)
    (package / "errors.py").write_text("class KeyringError(Exception): pass\n")
    (package / "__init__.py").write_text(
        "from . import errors\n"
        "def get_password(service, user):\n"
        "    if user == 'openai': raise errors.KeyringError('locked')\n"
        f"    return '{KEY}' if service == 'loopwatch' else None\n"
    )
    program = "from loopwatch.engine.credentials import key, redact; print(redact(key('anthropic')), key('openai'))"

    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    said = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)

    assert said.stdout == "[key] None\n"


def test_other_programs_keys_are_hidden_and_paths_are_not(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0123456789abcdef0123")
    monkeypatch.setenv("SSH_KEY", "/home/anna/.ssh/id_ed25519")
    monkeypatch.setenv("MY_TOKEN", "please")

    assert (
        redact("0123456789abcdef0123 in /home/anna/.ssh/id_ed25519 please")
        == "[key] in /home/anna/.ssh/id_ed25519 please"
    )


@pytest.mark.parametrize("word", ["none", "experiment"])
def test_a_word_that_a_local_server_wants_for_a_key_is_no_secret(
    config: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", word)

    assert key("openai") == word
    assert redact(f"{word} of it") == f"{word} of it"


def test_processes_that_experiments_can_read_are_started_without_keys(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("AGENT_COMMAND", f"agent --key {KEY}")

    left = credentials.environment_without_keys()

    assert KEY not in str(left)
    assert left["LOOPWATCH_CONFIG"] == str(config)


def test_the_engines_log_takes_no_key_from_anybody(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)

    with credentials.Log(open(tmp_path / "engine.log", "wb"), line_buffering=True) as log:
        print("Authorization: Bearer", KEY, file=log)

    assert (tmp_path / "engine.log").read_text() == "Authorization: Bearer [key]\n"


@given(before=st.text("sk-ant o"), after=st.text("sk-ant o"), cuts=st.lists(st.integers(1, 12), max_size=30))
def test_a_key_that_comes_in_pieces_is_hidden_and_nothing_else_is_lost(
    before: str, after: str, cuts: list[int]
) -> None:
    os.environ["ANTHROPIC_API_KEY"] = KEY
    text, redactor, told = f"{before}{KEY}{after}{KEY[:9]}", Redactor(), ""

    for cut in [*cuts, len(text)]:
        told += redactor.feed(text[:cut])
        text = text[cut:]
    told += redactor.rest()
    del os.environ["ANTHROPIC_API_KEY"]

    assert told == f"{before}[key]{after}{KEY[:9]}"


def test_text_is_held_back_only_where_a_key_may_begin(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    redactor = Redactor()

    assert [redactor.feed(piece) for piece in ("think", "ing hard", " about s", "leep")] == [
        "think",
        "ing hard",
        " about ",
        "sleep",
    ]


def test_what_streams_into_telemetry_holds_no_key(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    journal = journal_in(tmp_path, facts.opened(), facts.engine(), *facts.life(1))
    line = Line(1, "proposer", journal=journal, books=Books(journal=journal, run_dir=tmp_path))

    for piece in ("the key is ", KEY[:10], KEY[10:], ", and it ends in sk"):
        line.hear("thinking", piece)
    line.hear("text", "so what")
    line.close()
    journal.flush()

    assert [(t.kind, t.text) for t in journal.telemetry.thoughts(1)] == [
        ("thinking", "the key is [key], and it ends in sk"),
        ("text", "so what"),
    ]


def test_a_fact_with_a_key_is_written_without_it(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", 'quoted"marked\\key')
    journal = journal_in(tmp_path, facts.opened(), facts.engine())

    journal.append(events.Warned(text='it said quoted"marked\\key'))

    assert journal.state.warnings[-1].text == "it said [key]"
