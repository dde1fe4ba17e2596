"""Boxes around real processes: what gets out of them, on this machine and on poorer ones."""

import asyncio
import sys
from pathlib import Path

import pytest

from loopwatch.engine.errors import UserError
from loopwatch.engine.sandbox import leftovers
from loopwatch.engine.sandbox.ground import way
from loopwatch.engine.sandbox.holes import HOLES
from loopwatch.engine.sandbox.means import BUBBLEWRAP, Host, Means
from loopwatch.engine.sandbox.proof import Examined, examine, prove
from loopwatch.engine.sandbox.seccomp import rules

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="boxes are built on Linux")
HERE = Host.here()
PLAIN = Means()
SEALED = Means("own", HERE.landlock, seccomp=True)
WATCHED = {"daemon", "hoard", "multiply"}
"""What the keeper stops, without any box."""
NO_NAMESPACES = {"chmod", "shared_memory", "utime", "unix_socket"}
NO_SCOPES = {"abstract_socket", "signal"}
NO_LANDLOCK = {"read_home", "read_run", "write_work", "write_run", "truncate", "link", "rename", "write_tmp"}
OF_THE_ENGINE = {"environ", "memory"}
"""What a process of one's own user can do to a test, but not to an engine, which sees to it itself."""


def _tried(folder: Path, means: Means) -> Examined:
    return asyncio.run(examine(folder / "proof", means))


@pytest.fixture(scope="module")
def unprotected(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """What works without a box: what does not can prove nothing."""
    return _tried(tmp_path_factory.mktemp("plain"), PLAIN).open


def _needs(means: Means, examined: Examined) -> None:
    if means.namespaces and examined.trouble:
        pytest.skip(f"no namespaces here: {examined.trouble}")


def test_without_a_box_the_probe_gets_out_by_every_way_but_those_the_keeper_closes(unprotected: frozenset[str]) -> None:
    assert {
        "tcp",
        "udp",
        "unix_socket",
        "read_run",
        "write_run",
        "chmod",
        "truncate",
        "signal",
        "file_size",
    } <= unprotected
    assert not unprotected & WATCHED


@pytest.mark.parametrize("namespaces", ["own", "bubblewrap"])
def test_nothing_gets_out_of_a_sealed_box(tmp_path: Path, namespaces: str) -> None:
    if namespaces == "bubblewrap" and not BUBBLEWRAP.exists():
        pytest.skip("bubblewrap is not installed")
    examined = _tried(tmp_path, Means("own" if namespaces == "own" else "bubblewrap", HERE.landlock, seccomp=True))
    _needs(SEALED, examined)

    assert (examined.open, examined.trouble) == (frozenset(), "")


def test_a_sealed_box_holds_without_landlock(tmp_path: Path) -> None:
    examined = _tried(tmp_path, Means("own", 0, seccomp=True))
    _needs(SEALED, examined)

    assert (examined.open, examined.trouble) == (frozenset(), "")


@pytest.mark.parametrize(
    ("landlock", "open_there"),
    [
        (6, NO_NAMESPACES),
        (4, NO_NAMESPACES | NO_SCOPES),
        (2, NO_NAMESPACES | NO_SCOPES | {"truncate"}),
        (1, NO_NAMESPACES | NO_SCOPES | {"truncate"}),
        (0, NO_NAMESPACES | NO_SCOPES | NO_LANDLOCK),
    ],
)  # fmt: skip
def test_on_a_poorer_host_every_open_hole_is_listed(
    tmp_path: Path, unprotected: frozenset[str], landlock: int, open_there: set[str]
) -> None:
    if landlock > HERE.landlock:
        pytest.skip(f"the kernel's Landlock is {HERE.landlock}")
    host = Host(namespaces=False, bubblewrap=False, landlock=landlock, seccomp=True, seatbelt=False)

    proof = asyncio.run(prove(tmp_path / "proof", minimum="limits", host=host))

    assert proof.tier == ("fenced" if landlock else "limits")
    assert proof.taken.open - OF_THE_ENGINE == open_there & unprotected
    assert all(any(HOLES[name].open in said for said in proof.not_protected) for name in proof.taken.open)
    assert proof.remedies


def test_below_the_minimum_it_is_refused_with_what_to_do(tmp_path: Path) -> None:
    bare = Host(namespaces=False, bubblewrap=False, landlock=0, seccomp=True, seatbelt=False)

    with pytest.raises(UserError) as refused:
        asyncio.run(prove(tmp_path / "proof", minimum="fenced", host=bare))

    assert "only as 'limits' here, and this run wants 'fenced'" in str(refused.value)
    assert "--sandbox limits" in str(refused.value)


def test_a_host_that_offers_nothing_gives_nothing_and_says_all_of_it(tmp_path: Path) -> None:
    nothing = Host(namespaces=False, bubblewrap=False, landlock=0, seccomp=False, seatbelt=False)

    with pytest.raises(UserError, match="only as 'none'"):
        asyncio.run(prove(tmp_path / "proof", minimum="limits", host=nothing))


def test_without_a_sandbox_nothing_is_tried_and_everything_is_said(tmp_path: Path) -> None:
    proof = asyncio.run(prove(tmp_path / "proof", minimum="none"))

    assert proof.tier == "none"
    assert "experiments can use the network" in proof.not_protected
    assert "experiments can read your files and keys" in proof.not_protected


def test_a_way_is_followed_through_every_link(tmp_path: Path) -> None:
    real = tmp_path / "real" / "deep"
    real.mkdir(parents=True)
    (tmp_path / "first").symlink_to("second")
    (tmp_path / "second").symlink_to(tmp_path / "real")
    (tmp_path / "up").symlink_to("real/../first")

    links, place = way(str(tmp_path / "up" / "deep"))

    assert place == str(real)
    assert links == {
        f"{tmp_path}/up": "real/../first",
        f"{tmp_path}/first": "second",
        f"{tmp_path}/second": f"{tmp_path}/real",
    }


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("sockets", [True, False])
@pytest.mark.parametrize("system_v", [True, False])
def test_every_jump_of_the_filter_lands_inside_of_it(machine: str, sockets: bool, system_v: bool) -> None:
    program = rules(machine, sockets=sockets, system_v=system_v)

    jumps = [
        (place, yes, no) for place, (operation, yes, no, _) in enumerate(program) if operation in (0x15, 0x35, 0x45)
    ]
    assert all(place + 1 + max(yes, no) < len(program) for place, yes, no in jumps)
    assert program[-1][0] == 0x06


def test_what_was_left_in_shared_memory_goes_unless_it_may_be_another_programs(tmp_path: Path) -> None:
    memory = tmp_path / "shm"
    memory.mkdir()
    (memory / "older").touch()
    before = leftovers.names(memory)
    (memory / "left").write_text("for the next one")
    with (memory / "older").open():
        while_used = leftovers.sweep(before, memory)
    alone = leftovers.sweep(before, memory)

    assert (while_used, alone) == ([], ["left"])
    assert [path.name for path in memory.iterdir()] == ["older"]
