"""What the ledger says of an agent's generations, as folders to look into:

    RUN/seed/                  the first version, never changed
    RUN/agent_code/            the one that works now
    RUN/generations/gen_003/   each one that was written, with meta.json

The ledger is the truth: what is missing or was changed is written again, and nothing is ever read from here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..lineage import Lineage, Version
from ..repository import checkout

READ_ONLY, WRITABLE = 0o444, 0o644


def project(run_dir: Path, lineage: Lineage) -> None:
    """Make the folders what the lineage says."""
    generations = [version for version in lineage.versions.values() if version.role == "task"]
    for version in generations:
        files = {**version.written.files, "meta.json": _text(meta(version, live=version.name == lineage.live))}
        _hold(run_dir / "generations" / version.name, files, WRITABLE)
        if not version.written.parent:
            _hold(run_dir / "seed", version.written.files, READ_ONLY)
        if version.name == lineage.live:
            _hold(run_dir / "agent_code", version.written.files, WRITABLE)


def meta(version: Version, *, live: bool) -> dict[str, Any]:
    """What is known of a generation."""
    written, last = version.written, version.dropped or version.adopted
    return {
        "generation": version.name,
        "parent": written.parent or None,
        "by": written.by,
        "reason": written.reason,
        "digest": written.digest,
        "checks": [{"stage": check.stage, "ok": check.ok, "detail": check.detail} for check in version.checks],
        "allowed_by": version.allowed_by if version.allowed else None,
        "verdict": verdict(version, live=live),
        "why": last.reason if last else "",
        "fitness": last.fitness.model_dump() if last and last.fitness else None,
        "against": last.against.model_dump() if last and last.against else None,
    }


def verdict(version: Version, *, live: bool) -> str:
    """What became of a generation, in a word or two."""
    if version.dropped:
        stage = f" at {version.failed_stage}" if version.failed_stage else ""
        return f"{version.dropped.because.replace('_', ' ')}{stage}"
    return "live" if live else "adopted" if version.adopted else "open"


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _hold(folder: Path, files: Mapping[str, str], mode: int) -> None:
    """Make these files be there, with these texts; a link in the place of one is replaced, not followed."""
    folder.parent.mkdir(exist_ok=True)
    if folder.is_symlink() or not folder.is_dir():
        checkout.remove(folder)
        folder.mkdir()
    for name, text in files.items():
        path, data = folder / name, text.encode()
        if _bytes(path) == data:
            continue
        checkout.remove(path)
        path.write_bytes(data)
        path.chmod(mode)


def _bytes(path: Path) -> bytes | None:
    try:
        return checkout.read_regular(path)
    except OSError:
        return None
