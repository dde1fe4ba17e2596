"""`loopwatch doctor`: what it says, and what its exit code says."""

import asyncio
from pathlib import Path

import pytest

from loopwatch.engine.sandbox.means import Host
from loopwatch.engine.sandbox.proof import check_up
from loopwatch.tui import containment, doctor

from .command import Command

LANDLOCK = Host.here().landlock


def _says(host: Host, folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    found = asyncio.run(check_up(folder / "proof", host))
    code = doctor.tell(found, json=False)
    return code, capsys.readouterr().out


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


def test_it_says_what_runs_get_here_and_each_attempt_has_a_row(command: Command) -> None:
    told = command("doctor")
    json = command.json("doctor", "--json")

    assert told.stdout.startswith(f"experiments here are {containment.CONTAINED[json['sandbox']]}: ")
    assert told.returncode == (0 if json["sandbox"] in doctor.GOOD_ENOUGH else 1)
    assert "connect by Multipath TCP" in told.stdout
    for sentence in json["not_protected"]:
        assert f"open: {sentence}" in told.stdout
    for one in json["examined"]:
        assert one["trouble"] or {tried["name"] for tried in one["tries"]} >= {"tcp", "read_home", "daemon", "hoard"}


@pytest.mark.skipif(LANDLOCK < 6, reason="needs a Landlock that knows signals")
def test_on_a_host_without_namespaces_it_names_the_holes_and_the_command_that_closes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    poorer = Host(namespaces=False, bubblewrap=False, landlock=LANDLOCK, seccomp=True, seatbelt=False)

    code, said = _says(poorer, tmp_path, capsys)

    assert code == 0
    assert said.startswith("experiments here are fenced: ")
    assert "open: experiments can talk to your other programs by socket files\n" in said
    assert "where an agent proposes: an agent can use the network\n" in said
    assert "to close it: " in said
    assert "bubblewrap" in said


def test_where_nothing_holds_it_says_what_a_run_would_need(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = Host(namespaces=False, bubblewrap=False, landlock=0, seccomp=False, seatbelt=False)

    code, said = _says(nothing, tmp_path, capsys)

    assert code == 1
    assert "open: experiments can use the network\n" in said
    assert said.endswith("until then runs start only with: --sandbox none\n")
