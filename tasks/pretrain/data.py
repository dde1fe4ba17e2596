"""Make the corpus: the source of the Python standard library that runs this file.

Nothing is downloaded and there is no tokenizer: one byte is one symbol, so bits per byte are
exact. A file is held out when the first byte of its SHA-256 is small (about one in ten), so
identical files always fall on the same side.

Not covered: comparing machines. Another Python is another corpus; the printed fingerprint says
which one this is, and scores are comparable only under the same fingerprint.
"""

import hashlib
import json
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

# Generated tables and copies of each other's text, which would leak across a split by file.
SKIPPED_FOLDERS = {
    "__pycache__", "config", "dist-packages", "encodings", "ensurepip", "idle_test", "lib2to3",
    "pydoc_data", "site-packages", "test", "tests",
}  # fmt: skip
HELD_OUT = 26  # of 256
SMALLEST_FILE_BYTES = 256
SMALLEST_CORPUS_BYTES = 1_000_000
EXTRA_BYTES = 200_000_000
# Shorter lines ("else:", "return None") are in every program and prove nothing.
TELLING_LINE_BYTES = 30
TOO_FAMILIAR = 0.2


def python_files(root: Path, skipped: set[str]) -> Iterator[Path]:
    """Every .py file below `root`, in an order that does not depend on the file system."""
    for folder, subfolders, names in os.walk(root):
        subfolders[:] = sorted(n for n in subfolders if n not in skipped and not n.startswith("config-"))
        yield from (
            Path(folder, name)
            for name in sorted(names)
            if name.endswith(".py") and not name.startswith("_sysconfigdata")
        )


def split(files: Iterable[Path]) -> tuple[list[bytes], list[bytes]]:
    """Return the training and the held-out texts, each in the order of their hashes."""
    by_hash = {}
    for file in files:
        text = file.read_bytes()
        if len(text) >= SMALLEST_FILE_BYTES:
            by_hash[hashlib.sha256(text).digest()] = text
    train = [by_hash[digest] for digest in sorted(by_hash) if digest[0] >= HELD_OUT]
    held_out = [by_hash[digest] for digest in sorted(by_hash) if digest[0] < HELD_OUT]
    return train, held_out


def telling_lines(text: bytes) -> list[bytes]:
    return [line for raw in text.splitlines() if len(line := raw.strip()) >= TELLING_LINE_BYTES]


def installed_packages(held_out: list[bytes]) -> list[bytes]:
    """More text to train on, without the backports and copies that repeat a held-out file."""
    known = {line for text in held_out for line in telling_lines(text)}
    texts, total = [], 0
    for text in split(python_files(Path(sysconfig.get_path("purelib")), {"__pycache__"}))[0]:
        lines = telling_lines(text)
        if sum(line in known for line in lines) > TOO_FAMILIAR * len(lines):
            continue
        if (total := total + len(text)) > EXTRA_BYTES:
            break
        texts.append(text)
    return texts


def joined(texts: list[bytes]) -> bytes:
    """One stream; a zero byte, which no source file holds, ends each file."""
    return b"".join(text + b"\0" for text in texts)


def main() -> None:
    public = Path(os.environ.get("LOOPWATCH_DATA", "data/public"))
    hidden = Path(os.environ.get("LOOPWATCH_HIDDEN", "data/hidden"))
    library = Path(sysconfig.get_path("stdlib"))
    train, held_out = split(python_files(library, SKIPPED_FOLDERS))
    if sum(map(len, train)) < SMALLEST_CORPUS_BYTES:
        sys.exit(f"data.py: {library} holds too little source to train on; use a Python that has its .py files")
    # A GPU sees the 8 MB of the library many times over within minutes, so it gets more to read.
    if Path("/dev/nvidiactl").exists():
        train += installed_packages(held_out)

    streams = {public / "train.bin": joined(train), hidden / "val.bin": joined(held_out)}
    for file, stream in streams.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(stream)
    manifest = {
        "python": sys.version.split()[0],
        "fingerprint": hashlib.sha256(b"".join(streams.values())).hexdigest()[:16],
        "train_files": len(train),
        "train_bytes": len(streams[public / "train.bin"]),
        "val_files": len(held_out),
        "val_bytes": len(streams[hidden / "val.bin"]),
    }
    (public / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    print("\n".join(f"{name}: {value}" for name, value in manifest.items()))


if __name__ == "__main__":
    main()
