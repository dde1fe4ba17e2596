"""`loopwatch rubric TASK`: a draft of facts to score answers by, for a person to edit; and what is wrong with an edited one."""

import json
from argparse import Namespace
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from loopwatch.engine import client, task
from loopwatch.engine.errors import ConfigError

from . import words
from .exits import Exit
from .facts import dump
from .headless import say, talk

USD: Final = 1.0


def rubric(args: Namespace) -> int:
    """`loopwatch rubric TASK [--questions FILE] [--model NAME:MODEL]`, or with `--check FILE`."""
    found = task.load(args.task)
    order = {"task": str(found.folder), **({"sandbox": args.sandbox} if args.sandbox else {})}
    if args.check:
        return _check(args, {**order, "tests": _tests(Path(args.check))})
    into = Path(args.output or f"{found.name}.rubric.json")
    if into.exists() and not args.force:
        raise ConfigError(f"{into} is there already; --output FILE writes elsewhere, --force writes over it")
    if args.questions:
        questions = _questions(Path(args.questions))
    else:
        questions = (
            _inputs(_tests(found.folder / found.suite.file)) if found.suite else ["?"]
        )  # the engine says what it lacks
    if not questions:
        raise ConfigError("there are no questions; write one on each line of a file, and name it with --questions FILE")
    model = {"model": args.model or "", "base_url": args.base_url, "usd": USD if args.usd is None else args.usd}
    tests = _drafted({**order, **model, "questions": questions})
    try:
        into.write_text(written(tests), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{into} cannot be written: {error.strerror}; --output FILE writes elsewhere") from None
    if args.json:
        say(dump({"file": str(into), "tests": tests}, indent=1))
    else:
        facts, bare = sum(len(test["expected"]) for test in tests), sum(not test["expected"] for test in tests)
        say(f"{into}: {facts} facts for {len(tests)} questions" + (f", none for {bare} of them" if bare else ""))
        talk(
            "it is a draft: see that each fact is what an answer should say, mend sentence, weight and pattern, and drop the rest;"
        )
        talk(f"then: loopwatch rubric {args.task} --check {into}")
    return Exit.OK


def written(tests: list[dict[str, Any]]) -> str:
    """The tests as a person edits them: a fact on each line."""
    told = []
    for test in tests:
        facts = ",\n".join(f"   {json.dumps(fact)}" for fact in test["expected"])
        told.append(
            f' {{"input": {json.dumps(test["input"])},\n  "why": {json.dumps(test["why"])},\n  "expected": [\n{facts}]}}'
        )
    return "[\n" + ",\n".join(told) + "\n]\n"


def _check(args: Namespace, order: dict[str, Any]) -> int:
    found = _followed(order, "checked")
    if args.json:
        say(dump(found, indent=1))
    for number, one in enumerate(found, 1):
        if one["reason"] and not args.json:
            question = words.one_line(one["question"]) or "no question"
            say(f"{number}. {question}: {words.one_line(one['reason'])}")
    wrong = sum(bool(one["reason"]) for one in found)
    talk(f"{wrong} of {len(found)} may not stand in the suite" if wrong else f"all {len(found)} may stand in the suite")
    return Exit.USER_ERROR if wrong else Exit.OK


def _drafted(order: dict[str, Any]) -> list[dict[str, Any]]:
    tests = []
    for one in _followed(order, "drafted"):
        if not one["test"]["expected"]:
            why = f": {words.one_line(one['refused'][0])}" if one["refused"] else ""
            talk(f"no fact for {words.one_line(one['test']['input'])!r}{why}")
        tests.append(one["test"])
    return tests


def _followed(order: dict[str, Any], wanted: str) -> list[dict[str, Any]]:
    """Talk about what happens, and return what is wanted of it."""
    found = []
    with closing(client.rubric(order)) as lines:
        for line in lines:
            match line["kind"]:
                case "asking":
                    talk(f"question {line['number']} of {line['of']}: {words.one_line(line['question'])}")
                case "waits":
                    talk(f"waits {words.duration(line['seconds'])}: {words.one_line(line['why'])}")
                case "spent":
                    talk(f"the model cost ${line['usd']:.4f}")
                case kind if kind == wanted:
                    found.append(line)
                case _:
                    pass
    return found


def _tests(file: Path) -> list[Any]:
    try:
        tests = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{file} is not JSON: {str(error)[:200]}") from None
    if not isinstance(tests, list) or not tests:
        raise ConfigError(f"{file} is no list of tests; loopwatch rubric TASK drafts one")
    return tests


def _questions(file: Path) -> list[str]:
    if file.suffix == ".json":
        return _inputs(_tests(file))
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from None
    return [line.strip() for line in lines if line.strip()]


def _inputs(tests: list[Any]) -> list[str]:
    """The questions of tests, or of a plain list of them."""
    found = [test.get("input") if isinstance(test, dict) else test for test in tests]
    return [question for question in found if isinstance(question, str)]
