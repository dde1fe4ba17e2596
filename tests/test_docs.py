"""What the README says is true: its commands can be typed, its keys exist, its folders are there."""

import re
import shlex
from pathlib import Path

import pytest

from loopwatch.tui.arguments import parser
from loopwatch.tui.exits import Exit
from loopwatch.tui.keys import KEYS, SHOWN, Key

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, flags=re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    """Every line of a fenced block that calls loopwatch, without its comment, prompt or pipe."""
    lines = [line.removeprefix("$ ") for _, block in BLOCKS for line in block.splitlines()]
    return [line for line in lines if re.match(r"loopwatch(\s|$)", line) and "─" not in line]


def tree() -> list[Path]:
    """The entries of the README's tree: a name, two spaces or more, what it is; what is indented lies in what is not."""
    blocks = [block for _, block in BLOCKS if block.startswith("engine/")]
    assert len(blocks) == 1, "the README has one tree of folders, and it begins with engine/"
    paths, inside = [], Path()
    for indent, name in re.findall(r"^( *)(\S+)", blocks[0], flags=re.MULTILINE):
        inside = inside if indent else Path(name)
        paths.append(inside / name if indent else inside)
    return paths


def shown_keys() -> set[str]:
    """Every `key` in the first column of the table of keys."""
    rows = re.findall(r"^\| ((?:`[^`]+`,? ?)+) \|", README, flags=re.MULTILINE)
    return {key for row in rows for key in re.findall(r"`([^`]+)`", row)}


def test_the_readme_shows_commands() -> None:
    assert len(commands()) >= 10


@pytest.mark.parametrize("command", commands())
def test_a_command_in_the_readme_can_be_typed(command: str) -> None:
    words = shlex.split(command, comments=True)

    args = parser().parse_args(words[1:])

    assert args.command is None or args.function


@pytest.mark.parametrize("key", [pytest.param(key, id=key.id) for key in KEYS])
def test_a_key_stands_in_the_readme_with_its_help(key: Key) -> None:
    names = [SHOWN.get(name, name) for name in key.keys.split(",")]

    assert set(names) <= shown_keys()
    assert key.help in README


def test_the_readme_shows_no_key_that_does_nothing() -> None:
    known = {SHOWN.get(name, name) for key in KEYS for name in key.keys.split(",")}
    single = {key for key in shown_keys() if len(key) == 1 or key in SHOWN.values()}

    assert single <= known


def test_every_folder_of_the_readme_s_tree_exists() -> None:
    assert len(tree()) > 5
    assert [str(path) for path in tree() if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https?:|#)([^)#]+)", README))))
def test_every_file_that_the_readme_links_to_exists(link: str) -> None:
    assert (ROOT / link).exists()


def test_the_readme_names_every_exit_code() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \|", README, flags=re.MULTILINE)

    assert {int(code) for row in rows for code in row.split(",")} == set(Exit)
