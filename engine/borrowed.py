"""A task folder of the four-level kind (config.py, initial_solution.py, benchmark.py), read as what a task.toml would say.

Its files are used as they are. config.py is read and never run: plain values count, and what it loads from a file beside it
with json.load or read(). The benchmark runs the solution in its own process, so its number is `locked`, no better; it runs with
the engine's interpreter, in a copy of this folder (in a git repository: of the whole commit).

Answers that a judge model would score are recorded with the facts of a rubric, for the run's judge where it has one; without one
the facts count whose words can be looked up. Not covered: the folder's own judge prompt, and checks of tone and contradictions.
"""

import ast
import json
import re
import string
import warnings
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from .errors import TaskError

CONFIG, SOLUTION, BENCHMARK = FILES = ("config.py", "initial_solution.py", "benchmark.py")

SECONDS = {"snake": 60.0}
"""The time limits that come with the format."""
OTHER_SECONDS = 30.0
FILE_BYTES = 4 * 2**20
FACTS, FACT_CHARACTERS, QUESTION_CHARACTERS = 40, 1000, 4000
"""Of one question: what a judge takes."""
READ_CHARACTERS = 1000
"""Of one answer. Without that, whoever answers with all there is to know would state every fact."""
_RUBRICS = "rubric*.json"
RUBRIC_BYTES = 100_000
"""It travels to the evaluation as one word of a command, and Linux allows 128 KB for one."""

_CHECK = f"""\
import warnings
warnings.simplefilter("ignore")
with open({SOLUTION!r}, "rb") as file:
    compile(file.read(), {SOLUTION!r}, "exec")
print("step 00001 (100.0%) | it compiles; the benchmark runs it", flush=True)
"""

Value = Any
"""What a literal or a JSON file may hold."""


def is_borrowed(folder: Path) -> bool:
    """Whether a folder is one of these."""
    return all((folder / name).is_file() for name in FILES)


def settings(folder: Path) -> dict[str, Any]:
    """What a task.toml would say of the folder; TaskError names what config.py does not say plainly."""
    config = _values(folder)
    theirs = str(_needed(folder, config, "METRIC_NAME", str))
    up, perfect = _needed(folder, config, "HIGHER_IS_BETTER", bool), config.get("PERFECT_SCORE")
    target = float(perfect) if isinstance(perfect, int | float) and not isinstance(perfect, bool) else None
    name = str(_needed(folder, config, "TASK_NAME", str))
    rubric = _rubric(folder, config) if config.get("USES_LLM_JUDGE") else []
    frozen = sorted({BENCHMARK, CONFIG, *_used(folder), *(path.name for path in folder.glob(_RUBRICS))})
    metric = _plain(theirs)
    score = Path(__file__).with_name("borrowed_score.py").read_text(encoding="utf-8")
    facts = [f"{target or 100:g}", str(READ_CHARACTERS), json.dumps(rubric)]
    command = ["{python}", "-I", "-B", "-c", score, BENCHMARK, theirs, metric, *facts]
    seconds = SECONDS.get(name, OTHER_SECONDS)
    return {
        "name": _plain(name),
        "description": "a four-level task folder, run as it is",
        "editable": [SOLUTION],
        "frozen": frozen,
        # Whoever proposes need not see the labels; the benchmark does.
        "unseen": [file for file in frozen if file.endswith(".json")],
        "metric": {"name": metric, "direction": "up" if up else "down", "target": target},
        "budget": {"kind": "steps", "amount": 1, "wall_seconds": OTHER_SECONDS},
        "run": {"command": ["{python}", "-I", "-B", "-c", _CHECK]},
        "evaluate": {"command": command, "seconds": seconds},
        "words": _words(config),
        **_judging(rubric),
    }


# -- what config.py says, without running it ---------------------------------------------------------------------------


def _values(folder: Path) -> dict[str, Value]:
    """The plain values at the top level of config.py, and what it loads from files beside it."""
    found: dict[str, Value] = {}
    files: dict[str, str] = {}
    for node in _parsed(folder / CONFIG).body:
        match node:
            case ast.With(items=[ast.withitem(context_expr=opened, optional_vars=ast.Name(id=name))]):
                if file := _file(folder, opened, files):
                    files[name] = file
        for target, value in _assigned(node):
            try:
                found[target] = ast.literal_eval(value)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                if file := _file(folder, value, files):
                    files[target] = file
                    found.update((target, loaded) for loaded in _loaded(folder / file, value))
    return found


def _assigned(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    for one in [node, *(node.body if isinstance(node, ast.With) else [])]:
        match one:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                yield name, value
            case _:
                pass


def _file(folder: Path, value: ast.expr, files: Mapping[str, str]) -> str | None:
    """The one file of the folder that an expression names, itself or by a name that stands for it."""
    names = set()
    for node in ast.walk(value):
        match node:
            case ast.Constant(value=str(text)) if _is_beside(folder, text):
                names.add(text)
            case ast.Name(id=name) if name in files:
                names.add(files[name])
            case _:
                pass
    return names.pop() if len(names) == 1 else None


def _is_beside(folder: Path, name: str) -> bool:
    path = folder / name
    return bool(re.fullmatch(r"[\w.-]+", name, re.ASCII)) and path.is_file() and not path.is_symlink()


def _loaded(path: Path, value: ast.expr) -> Iterator[Value]:
    """What an expression loads from a file, where it does."""
    called = {
        node.func.attr
        for node in ast.walk(value)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    if called & {"load", "loads"}:
        yield _json(path)
    elif called & {"read", "read_text"}:
        yield _text(path)


def _needed(folder: Path, config: Mapping[str, Value], name: str, kind: type) -> Value:
    value = config.get(name)
    if not isinstance(value, kind) or value == "":
        example = {"TASK_NAME": '"snake"', "METRIC_NAME": '"score"'}.get(name, "True")
        raise TaskError(
            f"{folder / CONFIG}: {name} is not a plain value; it is read and not run, so write it like {name} = {example}"
        )
    return value


def _plain(name: str) -> str:
    """A name as the engine can have it."""
    return re.sub(r"[^A-Za-z0-9_.]+", "_", name).lstrip("_.0123456789") or "task"


def _words(config: Mapping[str, Value]) -> str:
    """The programme: the prompt that the folder has for a model, with what it leaves to be filled in."""
    known = {"code": f"(the code of {SOLUTION})", "metric": "(the best so far)"}
    for name in ("PROMPT_TEMPLATE", "CODE_PROMPT_TEMPLATE"):
        if isinstance(template := config.get(name), str):
            try:
                parts = list(string.Formatter().parse(template))
            except ValueError:
                return template
            return "".join(
                text + (known.get(field, f"({field})") if field is not None else "") for text, field, *_ in parts
            )
    return ""


# -- what the benchmark uses -------------------------------------------------------------------------------------------


def _used(folder: Path) -> set[str]:
    """The files of the folder that benchmark.py and config.py name or import, also through each other."""
    found: set[str] = set()
    waiting = [BENCHMARK, CONFIG]
    while waiting:
        for node in ast.walk(_parsed(folder / waiting.pop())):
            match node:
                case ast.Constant(value=str(text)):
                    names = [text]
                case ast.Import(names=aliases):
                    names = [f"{alias.name}.py" for alias in aliases]
                case ast.ImportFrom(module=str(module)):
                    names = [f"{module}.py"]
                case _:
                    continue
            new = {name for name in names if name != SOLUTION and name not in found and _is_beside(folder, name)}
            found |= new
            waiting += [name for name in new if name.endswith(".py")]
    return found


# -- answers that are to be judged -------------------------------------------------------------------------------------


def _rubric(folder: Path, config: Mapping[str, Value]) -> list[dict[str, Any]]:
    """The facts that the answer to each question has to state; TaskError when there are none."""
    file = next((path for path in sorted(folder.glob(_RUBRICS)) if _is_beside(folder, path.name)), None)
    cases = _json(file) if file else config.get("TEST_CASES")
    if not isinstance(cases, list) or not cases:
        raise TaskError(
            f"{folder / CONFIG}: USES_LLM_JUDGE, but TEST_CASES is no list that can be read; write it as a literal or load it "
            "with json.load from a file beside it"
        )
    rubric = [{"question": _question(case), "facts": list(islice(_facts(case), FACTS))} for case in cases]
    if bare := next((at for at, one in enumerate(rubric, start=1) if not one["facts"]), None):
        raise TaskError(
            f"{file or folder / CONFIG}: test case {bare} has neither facts nor an expected answer to judge by; add "
            '"fact_checks": [{"description": "says 30 days", "keywords": ["30 days"], "weight": 2}]'
        )
    if len(json.dumps(rubric)) > RUBRIC_BYTES:
        raise TaskError(f"{file or folder / CONFIG}: its facts have more than {RUBRIC_BYTES:,} bytes; leave some out")
    return rubric


def _judging(rubric: list[dict[str, Any]]) -> dict[str, Any]:
    """What is to be said of a rubric where no model judges."""
    facts = [fact for question in rubric for fact in question["facts"]]
    plain = sum(bool(fact["any"]) for fact in facts)
    if not rubric:
        return {}
    if not plain:
        why = (
            "its answers have to be judged, and no test case has facts that could be looked up instead: name a judge (--judge "
            'anthropic:MODEL), or add rubric_checks.json with {"fact_checks": [{"keywords": ["30 days"], "weight": 2}]} for '
            "each test case"
        )
        return {"needs_judge": why}
    rest = f"; {len(facts) - plain} more cannot be looked up, and count as not stated" if plain < len(facts) else ""
    return {
        "remarks": [
            f"no model judges: an answer is scored by the {plain} facts of the rubric that can be looked up in its first "
            f"{READ_CHARACTERS:,} characters{rest} (with a judge: --judge anthropic:MODEL)"
        ]
    }


def _question(case: Value) -> str:
    return str(case.get("question", ""))[:QUESTION_CHARACTERS] if isinstance(case, dict) else ""


def _facts(case: Value) -> Iterator[dict[str, Any]]:
    """The facts of a test case, each with the words of which one has to be there; without any words, only a judge can tell."""
    if not isinstance(case, dict):
        return
    keys = [key for key in ("fact_checks", "facts", "rubric") if isinstance(case.get(key), list)]
    listed: list[Value] = case[keys[0]] if keys else []
    for fact in listed:
        said = {"description": fact, "keywords": [fact]} if isinstance(fact, str) else fact
        if isinstance(said, dict):
            words, weight = said.get("keywords"), said.get("weight", 1)
            named = [word for word in words if isinstance(word, str) and word] if isinstance(words, list) else []
            told = str(said.get("description") or said.get("fact") or " or ".join(named))[:FACT_CHARACTERS]
            if told and isinstance(weight, int | float) and 0 < weight < 1e6:
                yield {"fact": told, "weight": weight, "any": named}
    if not listed and isinstance(expected := case.get("expected"), str) and expected:
        yield {"fact": f"In substance, all of: {expected}"[:FACT_CHARACTERS], "weight": 1, "any": []}


# -- files -------------------------------------------------------------------------------------------------------------


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > FILE_BYTES:
            raise TaskError(f"{path} has more than {FILE_BYTES:,} bytes")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaskError(f"{path}: cannot be read: {error}") from None


def _json(path: Path) -> Value:
    try:
        return json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise TaskError(f"{path}: not valid JSON: {error}") from None


def _parsed(path: Path) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd escape in the task's file is not ours to report
            return ast.parse(_text(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise TaskError(f"{path}: cannot be read as Python: {error}") from None
