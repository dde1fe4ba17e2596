"""Every benchmark, one after the other, so that none disturbs another.

python -m benchmarks            all of them; about a quarter of an hour
python -m benchmarks --quick    a short version; about five minutes
python -m benchmarks latency bytes
"""

import subprocess
import sys
import time
from pathlib import Path

from .figures import arguments

SCRIPTS = (
    "startup", "opening", "latency", "first_token", "bytes", "overhead", "keeper", "sandbox", "novelty", "money", "hostile_text",
    "plantings", "attacks", "null_loop", "kills", "soak", "levels",
)  # fmt: skip


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("scripts", nargs="*", metavar="NAME", help=f"only these, of: {', '.join(SCRIPTS)}")
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.scripts if name not in SCRIPTS]:
        parser.error(f"there is no benchmark {unknown[0]!r}; there are {', '.join(SCRIPTS)}")
    print(time.strftime("%Y-%m-%d %H:%M"), flush=True)
    failed = []
    for name in chosen.scripts or SCRIPTS:
        command = [sys.executable, "-m", f"benchmarks.{name}", *(["--quick"] if chosen.quick else [])]
        if subprocess.run(command, cwd=Path(__file__).parent.parent, check=False).returncode:
            failed.append(name)
        print(flush=True)
    for name in failed:
        print(f"{name} did not come to its end", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
