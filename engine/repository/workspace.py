"""The run's private repository, its working folder, and the pristine copy that measures.

Commits are built from the exact bytes that were approved (blob, tree, commit, then a compare-and-swap of
one ref), never from what lies in a folder. libgit2 runs no hooks or filters, and nobody's settings.
Not covered: the user's repository, which only `publish` writes to, and a process that still writes.

Used from one thread at a time.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Self

import pygit2
from pydantic import BaseModel, ConfigDict
from pygit2.enums import ConfigLevel, FileMode

from ..editing.edits import alias, permits
from ..errors import EditRefused, WorkspaceError
from . import checkout, origin
from .checkout import Entry
from .trailers import trailers_of, written

BRANCH = "refs/heads/loopwatch/"
EXPERIMENTS = "refs/loopwatch/experiments/"
BASE = "refs/loopwatch/base"

CACHE_BYTES = 2**18
"""Of objects that were read; libgit2 would keep 256 MB of what a long run never reads again."""


class Facts(BaseModel):
    """What a workspace is made of; kept beside its repository."""

    model_config = ConfigDict(frozen=True)

    run_name: str
    base: str
    folder: str
    """The task's folder within the base commit, "" when it is the whole of it."""
    editable: tuple[str, ...]
    frozen: tuple[str, ...]
    unseen: tuple[str, ...] = ()
    """Frozen files that are only in the pristine copy."""
    repository: str | None
    """The user's repository that kept commits can be published to."""
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """One commit of the run's branch. The base commit has no trailers."""

    commit: str
    subject: str
    when: int
    trailers: Mapping[str, str]


class Workspace:
    """`RUN/repo.git`, `RUN/work` and `RUN/pristine`."""

    def __init__(self, run_dir: Path) -> None:
        _settle()
        store = run_dir / "repo.git"
        try:
            text = (store / "loopwatch.json").read_text(encoding="utf-8")
            self._store = pygit2.Repository(str(store))
        except (OSError, pygit2.GitError) as error:
            raise WorkspaceError(f"{run_dir} has no repository of a run: {error}") from None
        self.facts = Facts.model_validate_json(text)
        self._work, self._pristine = run_dir / "work", run_dir / "pristine"
        self._tree = lru_cache(maxsize=8)(self._read_tree)

    @classmethod
    def create(
        cls,
        run_dir: Path,
        source: Path,
        *,
        editable: Sequence[str],
        frozen: Sequence[str],
        unseen: Sequence[str] = (),
        run_name: str,
        use_repository: bool,
        when: int,
    ) -> Self:
        """Begin a run at a task folder and fill both folders.

        With `use_repository` the base is HEAD of the git repository around `source`, which is only read;
        otherwise the files of the folder, committed at `when` (Unix seconds). `warnings` says what of the
        folder is not part of the run; UserError says why it cannot begin. Repeatable if it was interrupted.
        """
        _settle()
        store, building = run_dir / "repo.git", run_dir / "repo.git.new"
        if store.exists():
            raise WorkspaceError(f"{store} is there already; open it")
        branch = f"{BRANCH}{run_name}"
        if not pygit2.reference_is_valid_name(branch):
            raise WorkspaceError(f"{run_name!a} cannot be the name of a git branch; use letters, digits and -")
        checkout.remove(building)
        repository = pygit2.init_repository(str(building), bare=True, initial_head=f"loopwatch/{run_name}")
        begun = origin.begin(repository, source, use_repository=use_repository, when=when)
        origin.check_files(repository, begun, editable, frozen)
        home = None if begun.repository is None else str(begun.repository)
        facts = Facts(
            run_name=run_name,
            base=begun.commit,
            folder=begun.folder,
            editable=tuple(editable),
            frozen=tuple(frozen),
            unseen=tuple(unseen),
            repository=home,
            warnings=begun.warnings,
        )
        for name in (BASE, branch):
            repository.references.create(name, begun.commit)
        (building / "loopwatch.json").write_text(facts.model_dump_json(indent=1), encoding="utf-8")
        repository.free()
        # From here on the run has a repository; before, another attempt starts afresh.
        building.rename(store)
        workspace = cls(run_dir)
        workspace.restore(workspace.base)
        workspace.pristine()
        return workspace

    @classmethod
    def open(cls, run_dir: Path) -> Self:
        """Reopen under the run's lock: what a killed engine left half done in the repository is swept away.

        The folders stay as they are until `restore` and `pristine`.
        """
        store = run_dir / "repo.git"
        for left in [
            *store.rglob("*.lock"),
            *store.glob("objects/**/tmp_*"),
            *store.glob("objects/pack/*_tmp*"),
        ]:
            left.unlink(missing_ok=True)
        return cls(run_dir)

    @classmethod
    def look(cls, run_dir: Path) -> Self:
        """Open to read only, beside a running engine."""
        return cls(run_dir)

    def close(self) -> None:
        """Let go of the repository's files."""
        self._store.free()

    @property
    def work_folder(self) -> Path:
        """The task in the working copy: where an experiment runs."""
        return self._work / self.facts.folder

    @property
    def pristine_folder(self) -> Path:
        """The task as it was at the start: where the evaluator runs."""
        return self._pristine / self.facts.folder

    @property
    def warnings(self) -> tuple[str, ...]:
        """What of the user's folder is not part of the run."""
        return self.facts.warnings

    @property
    def base(self) -> str:
        """The commit that the run began at."""
        return self.facts.base

    @property
    def branch(self) -> str:
        """The full name of the run's branch."""
        return f"{BRANCH}{self.facts.run_name}"

    @property
    def best(self) -> str:
        """The last kept commit, or the base."""
        return str(self._store.references[self.branch].target)

    def source(self, path: str, commit: str) -> str:
        """The text of one of the task's files at a commit; WorkspaceError when it is missing or no text."""
        entry = self._task_tree(commit).get(path)
        if entry is None or entry.mode == checkout.LINK:
            raise WorkspaceError(f"{path} is no file of the task at commit {commit[:12]}")
        try:
            return self._blob(entry.blob).decode("utf-8")
        except UnicodeDecodeError:
            raise WorkspaceError(f"{path} is not UTF-8 text at commit {commit[:12]}") from None

    def sources(self, commit: str) -> dict[str, str]:
        """The editable files at a commit; in an editable folder, those that are text."""
        texts = {}
        for path, entry in self._task_tree(commit).items():
            if permits(path, self.facts.editable) and entry.mode != checkout.LINK:
                try:
                    texts[path] = self.source(path, commit)
                except WorkspaceError:
                    if path in self.facts.editable:
                        raise
        return texts

    def diff(self, before: str, after: str) -> str:
        """What changed in the task's folder from one commit to another."""
        old, new = (self._folder_of(commit) for commit in (before, after))
        return old.diff_to_tree(new).patch or ""

    def log(self, limit: int = 100) -> tuple[Kept, ...]:
        """Kept commits, newest first, ending with the base."""
        history: list[Kept] = []
        for commit in self._store.walk(self.best):
            ours = str(commit.id) != self.base
            message = commit.message.rstrip("\n")
            found = trailers_of(message) if ours else {}
            history.append(Kept(str(commit.id), message.partition("\n")[0], commit.commit_time, found))
            if not ours or len(history) >= limit:
                break
        return tuple(history)

    @property
    def is_shallow(self) -> bool:
        """Whether the base has a history that was left in the user's repository."""
        return self._store.is_shallow

    def comes_after(self, commit: str, earlier: str) -> bool:
        """Whether `earlier` is a commit of this run that `commit` builds upon."""
        return earlier in self._store and self._store.descendant_of(commit, earlier)

    def recall(self, experiment: int) -> str | None:
        """The commit that was remembered for an experiment."""
        found = self._store.references.get(_experiment_ref(experiment))
        return None if found is None else str(found.target)

    def check(self, names: Iterable[str], parent: str) -> None:
        """Return if each of these files may be written on top of `parent`; EditRefused names the first that may not."""
        tree = self._tree(parent)
        for name in names:
            self._placed(name, tree)

    def write(self, files: Mapping[str, str], parent: str) -> str:
        """The tree of `parent` with some editable files replaced or added; nothing points to it yet."""
        tree = self._tree(parent)
        index = pygit2.Index()
        index.read_tree(self._commit(parent).tree)
        for name, text in sorted(files.items()):
            path = self._placed(name, tree)
            mode = tree[path].mode if path in tree else FileMode.BLOB
            index.add(pygit2.IndexEntry(path, self._store.create_blob(text.encode("utf-8")), FileMode(mode)))
        return str(index.write_tree(self._store))

    def build_commit(
        self, files: Mapping[str, str], parent: str, message: str, trailers: Mapping[str, str], *, when: int
    ) -> str:
        """A commit that no ref points to yet, at `when` (Unix seconds). Built twice, it is the same one."""
        tree = self.write(files, parent)
        text = written(message, trailers)
        author = origin.signature(when)
        return str(self._store.create_commit(None, author, author, text, tree, [parent]))

    def advance(self, commit: str, expected: str) -> None:
        """Move the branch from `expected` to a descendant; nothing to do if it is there already."""
        branch = self._store.references[self.branch]
        if str(branch.target) == commit:
            return
        if str(branch.target) != expected:
            raise WorkspaceError(f"{self.branch} is at {str(branch.target)[:12]}, not at {expected[:12]} as expected")
        self._commit(commit)
        if not self.comes_after(commit, expected):
            raise WorkspaceError(f"{commit[:12]} does not come after {expected[:12]}; a run's history only grows")
        branch.set_target(commit)

    def remember(self, experiment: int, commit: str) -> None:
        """Keep an experiment's commit for ever, whether or not it was kept on the branch."""
        self._commit(commit)
        self._store.references.create(_experiment_ref(experiment), commit, force=True)

    def restore(self, commit: str) -> None:
        """Make the working folder byte-identical to a commit, whatever an experiment left there."""
        checkout.restore(self._work, self._seen(commit), self._blob)

    def export(self, commit: str, folder: Path) -> None:
        """Fill a folder of its own with the task as it is at a commit, without git data; what lay there is gone."""
        checkout.remove(folder)
        inside = self._inside("")
        seen = {
            path.removeprefix(inside): entry for path, entry in self._seen(commit).items() if path.startswith(inside)
        }
        checkout.restore(folder, seen, self._blob)

    def lay(self, commit: str, folder: Path, files: Mapping[str, str], *, unseen: bool = False) -> Path:
        """Make a folder hold a commit, with some editable files replaced or added; where the task lies in it.

        unseen  with the files that no experiment sees
        """
        tree = self._tree(commit)
        checkout.restore(folder, tree if unseen else self._seen(commit), self._blob)
        for name, text in files.items():
            path = folder / self._placed(name, tree)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode("utf-8"))
        return folder / self.facts.folder

    def pristine(self) -> None:
        """Make the pristine folder byte-identical to the base commit."""
        checkout.restore(self._pristine, self._tree(self.base), self._blob)

    def frozen_digest(self, folder: Path) -> dict[str, str]:
        """SHA-256 of each frozen file as it lies in `folder` (a task folder); a missing one is absent."""
        found = ((path, checkout.read_regular(folder / path)) for path in self._frozen_paths())
        return {path: sha256(data).hexdigest() for path, data in found if data is not None}

    def tampered(self, folder: Path) -> list[str]:
        """Files in `folder` (`work_folder` or `pristine_folder`) that are not as at the start; [] is well.

        In the working folder the frozen files count. In the pristine one every file does, and so does
        anything extra that the evaluator could import by accident.
        """
        tree = self._tree(self.base)
        if folder == self.pristine_folder:
            wrong = checkout.differing(self._pristine, tree, tree) + checkout.importable_extras(self._pristine, tree)
        elif folder == self.work_folder:
            seen = [path for path in self._frozen_paths() if not permits(path, self.facts.unseen)]
            wrong = checkout.differing(self._work, tree, [self._inside(path) for path in seen])
        else:
            raise ValueError(f"{folder} is neither of this run's task folders")
        return [path.removeprefix(self._inside("")) for path in wrong]

    def _commit(self, commit: str) -> pygit2.Commit:
        found = self._store.get(commit) if re.fullmatch(r"[0-9a-f]{40}", commit) else None
        if not isinstance(found, pygit2.Commit):
            raise WorkspaceError(f"{commit[:40]!a} is no commit of this run")
        return found

    def _read_tree(self, commit: str) -> dict[str, Entry]:
        return origin.read_tree(self._store, self._commit(commit).tree)

    def _seen(self, commit: str) -> dict[str, Entry]:
        """What of a commit an experiment gets to see."""
        tree, unseen = self._tree(commit), self.facts.unseen
        inside = self._inside("")
        return (
            {path: entry for path, entry in tree.items() if not permits(path.removeprefix(inside), unseen)}
            if unseen
            else tree
        )

    def _task_tree(self, commit: str) -> dict[str, Entry]:
        inside, tree = self._inside(""), self._tree(commit)
        return {path.removeprefix(inside): entry for path, entry in tree.items() if path.startswith(inside)}

    def _inside(self, name: str) -> str:
        """A task-relative path as the commit has it."""
        return f"{self.facts.folder}/{name}" if self.facts.folder else name

    def _folder_of(self, commit: str) -> pygit2.Tree:
        tree = self._commit(commit).tree
        folder = tree[self.facts.folder] if self.facts.folder else tree
        assert isinstance(folder, pygit2.Tree)
        return folder

    def _blob(self, blob: str) -> bytes:
        return bytes(self._store[blob].read_raw())

    def _frozen_paths(self) -> list[str]:
        return [path for path in self._task_tree(self.base) if permits(path, self.facts.frozen)]

    def _placed(self, name: str, tree: Mapping[str, Entry]) -> str:
        """The path of an editable file within the commit; EditRefused when it may not be written."""
        if not permits(name, self.facts.editable) or permits(name, self.facts.frozen):
            raise EditRefused(f"{name} may not be changed; editable: {', '.join(self.facts.editable)}")
        path = self._inside(name)
        if path not in tree and (twin := alias(path, tree)):
            raise EditRefused(f"{name} cannot be written: on some file systems it is the same as {twin}")
        parents = {path.rsplit("/", depth)[0] for depth in range(1, path.count("/") + 1)}
        in_the_way = [found for found in tree if found in parents or found.startswith(f"{path}/")]
        if in_the_way or (path in tree and tree[path].mode == checkout.LINK):
            raise EditRefused(f"{name} cannot be written: {(in_the_way or ['a link'])[0]} is in its place")
        return path


def _settle() -> None:
    """libgit2 in this process: nobody's settings, no quarrel about a folder's owner, writes that last."""
    for level in (ConfigLevel.PROGRAMDATA, ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
        pygit2.settings.search_path[level] = ""
    pygit2.settings.owner_validation = False
    pygit2.settings.enable_fsync_gitdir(True)
    pygit2.settings.cache_max_size(CACHE_BYTES)


def _experiment_ref(experiment: int) -> str:
    return f"{EXPERIMENTS}{experiment:04d}"
