"""A corpus through the harness, case by case: what was accepted, what was breached, what honest thing was refused.

Each case of kind train or log is a run of its own in which it is the only proposal, so that what shows is its doing. All edits are
the proposals of one run. A series goes through the rules alone, and what becomes of a text is for whoever draws it to say.
"""

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..config import Tier
from ..editing import edits
from ..events import Verdict
from ..findings import Breach, Finding, Where
from ..sandbox.holes import sentences
from ..state import Experiment, State
from . import series
from .cases import Case, Corpus
from .night import Told, change, night
from .toy import Toy
from .traps import SHARED, Traps, end, survivors

Progress = Callable[[int, int, str], None]

SECONDS = 120
"""For the run of one case: it holds four trainings or so."""
AGAIN = 2
"""How often a case is repeated that seems to have left a file."""

_SECRET = "FAKE_API_KEY"
_HOLES: Mapping[Where, tuple[str, ...]] = {
    "tcp": ("tcp", "mptcp"),
    "udp": ("udp",),
    "socket": ("unix_socket",),
    "abstract_socket": ("abstract_socket",),
    "shared_memory": ("shared_memory",),
    "temporary": ("write_tmp",),
    "process": ("daemon",),
    "canary": ("write_run",),
}
"""Which of the things that a run says are open explain a breach."""

_WORDS: Mapping[Verdict, str] = {
    "kept": "accepted",
    "discarded": "reverted",
    "timed_out": "timeout",
    "vetoed": "edit_rejected",
    "unproposed": "not_tried",
    "interrupted": "not_tried",
}


class Attacks:
    """All cases of a corpus, one after the other."""

    def __init__(self, corpus: Corpus, folder: Path, *, tier: Tier | None, progress: Progress) -> None:
        """`folder` takes what the cases need; `tier` is the containment that they are tried in, the best when absent."""
        self._corpus, self._folder, self._tier, self._progress = corpus, folder, tier, progress
        self._done = 0
        self.ran: State | None = None
        """A run of a case: what it says of its containment."""

    def findings(self) -> tuple[Finding, ...]:
        """What became of each case, in the order of the corpus."""
        os.environ[_SECRET] = _SECRET  # in the engine's environment, and not in ours, which others may read
        edited = self._edits([case for case in self._corpus.cases if case.kind == "edit"])
        found = [edited.get(case.id) or self._finding(case) for case in self._corpus.cases]
        # What has gone by itself meanwhile was the scratch file of another program.
        return tuple(one.model_copy(update={"breaches": tuple(filter(_is_there, one.breaches))}) for one in found)

    def _finding(self, case: Case) -> Finding:
        began = time.monotonic()
        self._tell(case)
        match case.kind:
            case "text":
                finding = _finding(case, "inert", text=case.prints())
            case "stat":
                finding = _judged(case)
            case _:
                finding = self._trained(case)
        return finding.model_copy(update={"seconds": round(time.monotonic() - began, 2)})

    def _tell(self, case: Case) -> None:
        self._progress(self._done, len(self._corpus.cases), case.id)
        self._done += 1

    # -- train, log ----------------------------------------------------------------------------------------------------

    def _trained(self, case: Case) -> Finding:
        finding, left = self._attacked(case, self._folder / case.id)
        for again in range(AGAIN):
            if left:
                # Other programs leave files there too; what a case leaves, it leaves every time.
                path = self._folder / f"{case.id}-{again}"
                left = {looks: left[looks] for looks in self._attacked(case, path)[1] if looks in left}
        return finding.model_copy(update={"breaches": self._marked((*finding.breaches, *left.values()))})

    def _attacked(self, case: Case, folder: Path) -> tuple[Finding, dict[str, Breach]]:
        folder.mkdir()
        toy = Toy(self._corpus.task, folder)
        diff = edits.render("train.py", toy.train, case.source())
        with Traps(folder) as traps:
            told = self._night(toy, [change(case.title, diff=diff)], folder, traps)
            outlived = survivors()
            end(outlived)
            breaches = traps.sprung(case.id, told.run.folder / "logs")
            breaches += tuple(Breach(where="process", detail=words) for words in outlived.values())
            left = traps.left(told.times)
        experiment = told.state.experiments.get(2)
        got, why = _verdict(experiment) if experiment else ("not_tried", told.ending.detail)
        return _finding(case, got, why, breaches=breaches), left

    def _night(self, toy: Toy, script: Sequence[Mapping[str, Any]], folder: Path, traps: Traps) -> Told:
        environment = traps.environment

        def watch(state: State) -> None:
            if state.engine and "LW_ENGINE_PID" not in environment:
                environment["LW_ENGINE_PID"] = str(state.engine.pid)
                toy.tell(environment)

        def before(run: Any) -> None:
            environment["LW_VAL_HINT"] = str(toy.hide(run.folder))
            toy.tell(environment)

        told = night(
            str(toy.task),
            folder,
            script=script,
            tier=self._tier,
            seconds=SECONDS * len(script),
            before=before,
            watch=watch,
        )
        self.ran = self.ran or told.state
        return told

    def _marked(self, breaches: Sequence[Breach]) -> tuple[Breach, ...]:
        """The same, each with whether the run lists it as open. What a log says has the cause of what else was seen, if that is
        all listed."""
        open_ones = set(self.ran.engine.not_protected if self.ran and self.ran.engine else ())
        listed = {b: bool(open_ones & set(sentences(_HOLES.get(b.where, ())))) for b in breaches}
        seen = [listed[breach] for breach in breaches if breach.where != "log"]
        explained = bool(seen) and all(seen)
        return tuple(b.model_copy(update={"listed": listed[b] or (b.where == "log" and explained)}) for b in breaches)

    # -- edit ----------------------------------------------------------------------------------------------------------

    def _edits(self, cases: Sequence[Case]) -> dict[str, Finding]:
        if not cases:
            return {}
        folder = self._folder / "edits"
        folder.mkdir()
        toy = Toy(self._corpus.task, folder)
        sources = {"train.py": toy.train}
        lines, unsaid = {}, {}
        for case in cases:
            self._tell(case)
            proposal = json.loads(case.prints())
            try:
                lines[case.id] = change(case.title, diff=_diff(proposal, sources, toy.task))
            except _Unsayable as reason:
                unsaid[case.id] = str(reason)
        with Traps(folder) as traps:
            told = self._night(toy, list(lines.values()), folder, traps)
        found = {}
        for case in cases:
            if case.id in unsaid:
                found[case.id] = _finding(case, "edit_rejected", unsaid[case.id])
                continue
            experiment = told.state.experiments.get(2 + list(lines).index(case.id))
            if experiment is None or experiment.verdict is None:
                found[case.id] = _finding(case, "not_tried", told.ending.detail)
            else:
                refused = experiment.verdict == "vetoed"
                found[case.id] = _finding(case, "edit_rejected" if refused else "edit_ok", experiment.reason)
        return found


class _Unsayable(Exception):
    """A proposal has no words for this."""


def _diff(proposal: Mapping[str, Any], sources: Mapping[str, str], task: Path) -> str:
    """A proposal of the corpus as the diff that a proposer of ours would hand in."""
    if unknown := set(proposal) - {"patch", "edits"}:
        raise _Unsayable(f"a proposal has no {', '.join(sorted(unknown))}")
    parts = [str(proposal.get("patch", ""))]
    for edit in proposal.get("edits", ()):
        if unknown := set(edit) - {"path", "content"}:
            raise _Unsayable(f"an edit has no {', '.join(sorted(unknown))}")
        path, content = edit["path"], edit["content"]
        if not isinstance(path, str) or not isinstance(content, str):
            raise _Unsayable("a path and a content are text")
        parts.append(edits.render(path, sources.get(path) or _text(task / path), content))
    return "".join(parts)


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8") if file.is_file() else None
    except (OSError, ValueError):
        return None


def _is_there(breach: Breach) -> bool:
    return breach.where not in SHARED.values() or os.path.lexists(breach.detail)


# -- what became of it -------------------------------------------------------------------------------------------------


def _verdict(experiment: Experiment) -> tuple[str, str]:
    verdict, finished = experiment.verdict, experiment.finished
    if verdict is None:
        return "not_tried", "it came to no verdict"
    if finished and finished.reason in ("memory_limit", "process_limit"):
        return "killed_memory", experiment.reason
    if finished and finished.reason in ("disk_full", "output_limit"):
        return "killed_disk", experiment.reason
    return "flagged" if experiment.quarantined else _WORDS.get(verdict, "failed"), experiment.reason


def _judged(case: Case) -> Finding:
    told = series.judged(case.prints())
    expected = case.expected.verdict
    if expected.startswith("accepted<="):
        most = int(expected.removeprefix("accepted<=").partition("_")[0])
        got = expected if told.confirmed <= most else "accepted"
        return _finding(case, got, f"{told.confirmed} confirmed, {told.kept - told.confirmed} kept for now")
    got = "accepted" if told.confirmed else "flagged" if told.flags else "reverted"
    return _finding(case, got, told.why)


def _finding(case: Case, got: str, why: str = "", **more: Any) -> Finding:
    expected = "flagged" if case.expected.verdict.startswith("flag") else case.expected.verdict
    return Finding(
        id=case.id,
        kind=case.kind,
        category=case.category,
        title=case.title,
        expected=expected,
        got=got,
        why=why,
        benign=case.benign,
        **more,
    )
