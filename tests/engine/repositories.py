"""Git repositories for tests, made with the git program and with no settings of this machine."""

import os
import subprocess
from pathlib import Path

TRAIN = "ALPHA = 1.0\n\n\ndef train():\n    return ALPHA\n"
EVALUATE = "print('val_bpb: 1.0')\n"


def git(folder: Path, *arguments: str) -> str:
    """Run git as nobody in particular; its output."""
    nobody = {f"GIT_{role}_{what}": "user@localhost" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        **nobody,
    }
    command = ["git", "-c", "protocol.file.allow=always", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True).stdout


def task_in(folder: Path) -> Path:
    """A small task folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.py").write_text(TRAIN)
    (folder / "evaluate.py").write_text(EVALUATE)
    (folder / "task.toml").write_text('name = "sine"\n')
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    return folder


def user_repository(root: Path, *, commits: int = 2) -> Path:
    """A user's repository with a task in research/sine, a README, and a history."""
    root.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    for number in range(commits):
        (root / "README").write_text(f"version {number}\n")
        task_in(root / "research" / "sine")
        git(root, "add", ".")
        git(root, "commit", "-q", "-m", f"commit {number}")
    return root


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file below a folder: mode, time of change, content."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mode, path.lstat().st_mtime_ns, path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def plant(path: Path, mark: Path) -> Path:
    """A program that leaves a mark if anybody runs it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    path.chmod(0o755)
    return path
