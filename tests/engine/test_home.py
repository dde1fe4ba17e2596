"""Where runs are kept, and where they are not."""

import os
import sys
from pathlib import Path

import pytest

from loopwatch.engine import home
from loopwatch.engine.errors import StateFolderError
from loopwatch.engine.home import SHARED_FILE_SYSTEMS, kind_of_mount

MOUNTINFO = r"""
22 1 0:20 / / rw,relatime shared:1 - overlay overlay rw,lowerdir=/a:/b - odd
23 22 0:21 / /proc rw,nosuid - proc proc rw
30 22 8:1 / /home rw,relatime shared:2 - ext4 /dev/sda1 rw
31 30 0:50 / /home/anna rw,relatime shared:3 master:1 - nfs4 server:/export/anna rw,vers=4.2
32 31 8:2 / /home/anna/local rw - xfs /dev/sdb1 rw
33 22 8:3 / /media/my\040disk\011two rw - cifs //server/share rw
34 22 8:4 / /média/größe rw - fuse.sshfs anna@server:/ rw
35 22 8:5 / /over rw - ext4 /dev/sdc1 rw
36 35 8:6 / /over rw - nfs server:/over rw
37 22 8:7 / /back\134slash rw - 9p share rw
""".strip()


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "overlay"),
        ("/tmp/anything", "overlay"),
        ("/home", "ext4"),
        ("/home/annabel", "ext4"),
        ("/home/anna/runs", "nfs4"),
        ("/home/anna/local/runs", "xfs"),
        ("/media/my disk\ttwo/runs", "cifs"),
        ("/média/größe/runs", "fuse.sshfs"),
        ("/over/here", "nfs"),
        ("/back\\slash", "9p"),
    ],
)
def test_the_longest_mount_that_holds_a_folder_says_its_kind(folder: str, kind: str) -> None:
    assert kind_of_mount(Path(folder), MOUNTINFO) == kind


def test_without_mounts_the_kind_is_unknown() -> None:
    assert kind_of_mount(Path("/tmp"), "") == ""


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "9p", "fuse.sshfs"])
def test_file_systems_between_machines_are_known(kind: str) -> None:
    assert kind in SHARED_FILE_SYSTEMS


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux lists its mounts in a file")
def test_the_kind_of_a_real_folder_is_told() -> None:
    assert home.file_system(Path("/proc")) == "proc"


def test_the_state_folder_is_made_private_where_it_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOOPWATCH_HOME", str(tmp_path / "new" / "place"))

    runs = home.runs()

    assert runs == tmp_path / "new" / "place" / "runs"
    assert runs.stat().st_mode & 0o777 == 0o700


def test_a_state_folder_that_cannot_be_made_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LOOPWATCH_HOME", str(tmp_path / "file" / "home"))

    with pytest.raises(StateFolderError) as error:
        home.home()

    assert str(error.value) == (
        f"the state folder {tmp_path}/file/home cannot be made: Not a directory; "
        "set LOOPWATCH_HOME to a folder you can write"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_state_folder_that_cannot_be_written_is_named_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").mkdir(mode=0o500)
    monkeypatch.setenv("LOOPWATCH_HOME", str(tmp_path))

    with pytest.raises(StateFolderError, match="is not writable; set LOOPWATCH_HOME to a folder you can write"):
        home.home()
