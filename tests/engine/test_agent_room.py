"""The rooms of agents: what a stand-in that reaches for everything gets, on this machine and on poorer ones."""

import os
import socket
import sys
from pathlib import Path

import pytest

from loopwatch.engine.config import AgentSettings
from loopwatch.engine.proposers import belongings
from loopwatch.engine.proposers.acp import Acp
from loopwatch.engine.proposers.belongings import KNOWN, Belongings, Home
from loopwatch.engine.sandbox.holes import of_agents
from loopwatch.engine.sandbox.means import BUBBLEWRAP, Host, Means
from tests.engine.agents import BRIEF, bold, command, person, processes

HERE = Host.here()
on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="boxes are built on Linux")

REACHES = {
    "the ledger": "open({run!r} + '/run.db')",
    "hidden data": "open({run!r} + '/data/hidden/labels')",
    "a key": "open({home!r} + '/.ssh/id')",
    "the engine's environment": "open('/proc/{engine}/environ').read(1)",
    "another copy": "os.listdir({run!r} + '/scratch/0001-1')",
    "a socket of a daemon": "os.chdir({run!r}); socket.socket(socket.AF_UNIX).connect('socket')",
}
LEAVES = ("run/new", "run/scratch/0001-1/new", "home/new")
"""What it writes there may work, in a world of its own; it counts when it is there outside."""
NEEDS = {
    "its home": "open(os.path.expanduser('~/mine'), 'w')",
    "temporary files": "tempfile.TemporaryFile()",
    "shared memory": "open('/dev/shm/loopwatch-test-' + str({engine}), 'w')",
    "its copy": "open(str(folder / 'notes.txt'), 'w')",
    "the network": "socket.create_connection(('127.0.0.1', {port}), 3)",
}
TRY_ALL = """
import os, socket, subprocess, sys, tempfile
for place in {leaves!r}:
    try:
        open(place, 'w').close()
    except OSError:
        pass
for name, words in {tries!r}.items():
    try:
        exec(words)
    except OSError:
        continue
    print(name, file=sys.stderr)
subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)', {run!r}], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
"""


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's machine: their home, and the state folder of loopwatch."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOOPWATCH_HOME", str(tmp_path / "state"))
    for path in ("home/.ssh/id", "run/run.db", "run/data/hidden/labels", "run/scratch/0001-1/train.py"):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_text("secret")
    return tmp_path


def _needs(means: Means) -> None:
    if means.namespaces == "bubblewrap" and not BUBBLEWRAP.exists():
        pytest.skip("bubblewrap is not installed")
    if means.landlock > HERE.landlock:
        pytest.skip(f"the kernel's Landlock is {HERE.landlock}")


@on_linux
@pytest.mark.parametrize(
    ("means", "open_there"),
    [
        (Means(), set(REACHES)),
        (Means("own", HERE.landlock, seccomp=True), set()),
        (Means("own", 0, seccomp=True), set()),
        (Means("bubblewrap", HERE.landlock, seccomp=True), set()),
        (Means(None, 6, seccomp=True), {"a socket of a daemon"}),
    ],
    ids=["none", "sealed", "sealed without landlock", "bubblewrap", "fenced"],
)
async def test_an_agent_reaches_its_copy_and_the_network_and_nothing_else(
    user: Path, means: Means, open_there: set[str]
) -> None:
    _needs(means)
    turn = person(user, means=means)
    listener = socket.create_server(("127.0.0.1", 0))
    daemon = socket.socket(socket.AF_UNIX)
    short = os.open(user / "run", os.O_RDONLY)  # a socket's path may have a hundred letters
    daemon.bind(f"/proc/self/fd/{short}/socket")
    daemon.listen()
    known = {
        "run": str(user / "run"),
        "home": str(user / "home"),
        "engine": os.getpid(),
        "port": listener.getsockname()[1],
    }
    tries = {name: words.format(**known) for name, words in {**REACHES, **NEEDS}.items()}
    text = TRY_ALL.format(tries=tries, leaves=[str(user / place) for place in LEAVES], run=known["run"])

    proposal = await Acp(command(user, [{"python": text}, *bold()]), AgentSettings(attempts=1)).propose(BRIEF, turn)

    for one in (listener, daemon):
        one.close()
    os.close(short)
    stays = _take_away(Path(f"/dev/shm/loopwatch-test-{os.getpid()}"))
    worked = (turn.folder / "logs" / "0002-1.agent.log").read_text().splitlines()
    assert set(worked) == {*NEEDS, *open_there}
    assert [place for place in LEAVES if (user / place).exists()] == ([] if means.hides_files else list(LEAVES))
    assert proposal.diff.count("+++ ") == 1
    assert "not editable: notes.txt" in turn.said("notice")
    assert stays == (not means.hides_files)
    assert not processes(f"time.sleep(300)\0{user}")
    assert sorted(path.name for path in turn.folder.glob("scratch/*")) == ["0001-1"]


@on_linux
async def test_an_agent_in_a_box_reads_what_a_person_names(user: Path) -> None:
    _needs(means := Means(None, 1, seccomp=True))
    turn = person(user, means=means)
    settings = AgentSettings(attempts=1, reads=(str(user / "home" / ".ssh"),))
    text = f"import sys; print(open({str(user / 'home' / '.ssh' / 'id')!r}).read(), file=sys.stderr)"

    await Acp(command(user, [{"python": text}, *bold()]), settings).propose(BRIEF, turn)

    assert (turn.folder / "logs" / "0002-1.agent.log").read_text() == "secret\n"


def test_what_an_agent_can_do_besides_is_said() -> None:
    assert of_agents(Means("own", 6, seccomp=True)) == ("an agent can use the network",)
    assert of_agents(Means("own", 0, seccomp=True))[1:] == (
        "an agent can talk to your other programs by abstract sockets",
    )
    assert of_agents(Means(seccomp=True)) == ("an agent can do whatever your user can do",)


# -- its home ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def codex(user: Path) -> Path:
    """Where a user has their own settings of one agent."""
    folder = user / "home" / ".codex"
    folder.mkdir()
    for name in ("auth.json", "config.toml", "history.jsonl"):
        (folder / name).write_text(f"the user's {name}")
    return folder


def test_a_home_holds_copies_of_the_agents_own_files_and_nothing_else(user: Path, codex: Path) -> None:
    home = Home(user / "agents" / "run", KNOWN["codex"])

    home.furnish()

    assert _files(home.folder) == [".codex/auth.json", ".codex/config.toml"]
    assert (home.folder / ".codex" / "auth.json").stat().st_mode & 0o077 == 0


def test_a_login_that_was_renewed_stays_until_the_user_has_a_newer_one_and_all_else_goes(
    user: Path, codex: Path
) -> None:
    home = Home(user / "agents" / "run", KNOWN["codex"])
    home.furnish()
    for path in (".codex/auth.json", ".codex/config.toml", ".codex/AGENTS.md", ".bashrc"):
        (home.folder / path).write_text("the agent's")
    home.clear()
    assert _files(home.folder) == [".codex/auth.json"]

    home.furnish()
    assert (home.folder / ".codex" / "auth.json").read_text() == "the agent's"
    assert (home.folder / ".codex" / "config.toml").read_text() == "the user's config.toml"

    later = (home.folder / ".codex" / "auth.json").stat().st_mtime_ns + 1
    os.utime(codex / "auth.json", ns=(later, later))
    home.furnish()
    assert (home.folder / ".codex" / "auth.json").read_text() == "the user's auth.json"
    assert (codex / "auth.json").read_text() == "the user's auth.json"


@pytest.mark.parametrize("link", [".codex/auth.json", ".codex"])
def test_a_link_in_the_place_of_a_login_brings_nothing_in(user: Path, codex: Path, link: str) -> None:
    home = Home(user / "agents" / "run", KNOWN["codex"])
    home.folder.mkdir(parents=True)
    secret = user / "elsewhere"
    secret.mkdir()
    (secret / "auth.json").write_text("secret")
    (home.folder / link).parent.mkdir(exist_ok=True)
    (home.folder / link).symlink_to(secret if link == ".codex" else secret / "auth.json")

    home.clear()

    assert _files(home.folder) == []
    assert (secret / "auth.json").exists()


def test_settings_that_a_variable_moves_are_found_there(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (user / "moved" / "opencode").mkdir(parents=True)
    (user / "moved" / "opencode" / "opencode.json").write_text("{}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(user / "moved"))
    home = Home(user / "agents" / "run", belongings.belongings(["npx", "opencode-ai", "acp"]))

    home.furnish()

    assert _files(home.folder) == [".config/opencode/opencode.json"]


def test_of_an_agent_that_nobody_knows_nothing_is_copied() -> None:
    assert belongings.belongings(["/opt/my-agent", "--stdio"]).login == Belongings().login


# -- itself ------------------------------------------------------------------------------------------------------------


def test_a_script_brings_its_interpreter_and_the_libraries_around_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "lib" / "node_modules"
    script = packages / "agent" / "node_modules" / "inner" / "index.js"
    script.parent.mkdir(parents=True)
    script.write_text("#!/usr/bin/env -S nodelike --flag\n")
    script.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "agent").symlink_to(script)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    words = ["agent", str(tmp_path), str(script), "--acp"]

    assert belongings.programs(words) == ["agent", "nodelike"]
    assert {packages, script} <= set(belongings.needed(words, ()))
    assert tmp_path not in belongings.needed(words, ())


def _take_away(path: Path) -> bool:
    """Whether it was there."""
    was_there = path.exists()
    path.unlink(missing_ok=True)
    return was_there


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir())
