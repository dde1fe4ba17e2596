"""All levels on the shipped tasks without a model: what each finds with the same number of experiments, on hidden tests.

    python -m benchmarks.levels                      # five repeats of 24 experiments: about half an hour
    python -m benchmarks.levels --quick              # one repeat of 8
    python -m benchmarks.levels --name levels        # asked again, it goes on where it was

It is `loopwatch compare` with the offline proposer, and what it prints is that command's table. What it shows: each level runs,
and how far blind small edits come on two small tasks within a small budget. What it does not show: which level is best with a
model behind it, on a task that takes thought, or with a budget in which rewriting the agent or arming an adversary could pay.
"""

import subprocess
import sys

from .figures import arguments, heading, load, loopwatch, note

LEVELS = "simple,reviewer,hyperagent:3,arena:1v1,arena:4x4"
TASKS = "snake,email_validation"


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--experiments", type=int, default=24)
    parser.add_argument("--name", help="of the comparison")
    parser.add_argument("--csv", metavar="FILE")
    chosen = parser.parse_args()
    repeat, experiments = (1, 8) if chosen.quick else (chosen.repeat, chosen.experiments)
    heading("levels: all of them without a model, on hidden tests")
    words = [loopwatch(), "compare", "--levels", LEVELS, "--tasks", TASKS, "--proposer", "mutation"]
    words += ["--repeat", str(repeat), "--experiments", str(experiments)]
    words += ["--name", chosen.name] if chosen.name else []
    words += ["--csv", chosen.csv] if chosen.csv else []
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)
    for line in done.stdout.splitlines():
        note(line)
    note(f"{repeat} repeat{'' if repeat == 1 else 's'} of {experiments} experiments, load {load():.1f}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
