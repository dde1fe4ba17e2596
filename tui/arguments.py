"""What may be typed: every subcommand and option.

Only argparse is imported here. Each subcommand names the function that does its work as `module:function` of this package.
"""

import math
from argparse import Action, ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from typing import Any, Final, NoReturn

from . import manual

DEFAULT_TASK: Final = "pretrain"


def parser() -> ArgumentParser:
    """The parser of the whole command line."""
    whole = _Page(prog="loopwatch", allow_abbrev=False)
    whole.add_argument("--version", action=_Version, nargs=0)
    whole.add_argument("--program", metavar="FILE", dest="bare_program")
    whole.add_argument("--task", metavar="NAME", dest="bare_task", default=DEFAULT_TASK)
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    _add_following(commands)
    _add_steering(commands)
    _add_answering(commands)
    _add_looking(commands)
    _add_lab(commands)
    return whole


def _add_following(commands: Any) -> None:
    run = _add(
        commands, "run", "starting:run", "Start a run and follow it.", f"{manual.POLICIES}\n\n{manual.RUN_EXAMPLES}"
    )
    run.add_argument(
        "task",
        metavar="TASK",
        help="a shipped task's name (pretrain, sine, snake ...), a folder with a task.toml, or one of a four-level "
        "project: config.py, initial_solution.py, benchmark.py",
    )
    _headless(run)
    run.add_argument("--detach", action="store_true", help="start it, print its name, and leave it to itself")
    run.add_argument(
        "--proposer",
        metavar="NAME[:ARG]",
        help="who proposes: anthropic[:MODEL], openai:MODEL, acp:COMMAND, claude-code, mutation, random "
        "or scripted:FILE (default: random)",
    )
    run.add_argument("--strategy", metavar="NAME", help="who proposes, and in which order things are done: simple (default), reviewer, "
                     "hyperagent[:K], arena:1v1 or arena:NxM[:K]")  # fmt: skip
    run.add_argument("--reviewer", metavar="NAME:MODEL", help="who explains experiments to the proposer, with --strategy reviewer "
                     "(default: anthropic:claude-haiku-5-5; rules is one without a model)")  # fmt: skip
    run.add_argument("--judge", metavar="NAME:MODEL[xN]", help="a model that says which facts hold in an answer, by most of N votes "
                     "(default: the task's own patterns)")  # fmt: skip
    _agent(run)
    _caps(run)
    run.add_argument(
        "--program", metavar="FILE", help="the research programme to follow instead of the task's own program.md"
    )
    run.add_argument("--gate", metavar="GATE=POLICY", action="append", default=[],
                     help="when a gate asks a person; may be repeated (default: ask with a terminal, auto without)")  # fmt: skip
    run.add_argument(
        "--experiments", metavar="N", type=int, help="stop after this many experiments, the baseline counted"
    )
    run.add_argument(
        "--hours",
        metavar="H",
        type=_finite,
        help="stop after this many hours of the engine at work, over all its starts",
    )
    run.add_argument(
        "--target",
        metavar="X",
        type=_finite,
        help="stop when the metric reaches this value (besides the task's own target)",
    )
    run.add_argument("--failures", metavar="N", type=int,
                     help="stop after this many experiments in a row that crash, time out or give no metric (default: 10)")  # fmt: skip
    run.add_argument(
        "--no-gain", metavar="N", type=int, help="stop after this many experiments in a row that are not kept"
    )
    run.add_argument(
        "--seed", metavar="N", type=int, help="seed of the random proposer and of every training (default: 1)"
    )
    run.add_argument("--keep", metavar="RULE",
                     help="confirm (default): repeat what looks better on fresh seeds, keep it where it is likely better, count it where "
                     "that is all but sure; strict: keep only what is confirmed; improve: keep whatever beats the best")  # fmt: skip
    run.add_argument("--noise-repeats", metavar="N", type=int,
                     help="trainings of the baseline on fresh seeds before the first proposal, to measure the noise "
                     "(default: 5; 1 where the task declares none; 0: trust the task)")  # fmt: skip
    run.add_argument("--margin-sigma", metavar="X", type=_finite, help="with --keep improve: how many standard deviations of "
                     "the noise a gain must exceed to be kept (default: 2)")  # fmt: skip

    run.add_argument("--forecaster", metavar="NAME",
                     help="who says how an experiment will end while it runs: learned (default), power-law, median, "
                     "halving, best-curve or never; it starts in shadow, see --gate run=shadow")  # fmt: skip

    run.add_argument("--sandbox", metavar="TIER",
                     help="the least containment with which it starts: sealed, fenced (default), limits, or none for none at all; "
                     "the best that works is taken, see loopwatch doctor")  # fmt: skip

    attach = _add(commands, "attach", "starting:attach", "Watch a run. Leaving never stops it.", manual.ATTACH_EXAMPLES)
    _run(attach)
    _headless(attach)

    resume = _add(commands, "resume", "starting:resume",
                  "End a pause or a hold; or start a stopped or killed run again, and follow it.", manual.RESUME_EXAMPLES)  # fmt: skip
    _run(resume)
    _headless(resume)
    resume.add_argument(
        "--experiments", metavar="N", type=int, help="stop at this many experiments, all earlier ones counted"
    )
    resume.add_argument(
        "--hours", metavar="H", type=_finite, help="stop after this many hours of work, the earlier ones counted"
    )
    _caps(resume)


def _add_steering(commands: Any) -> None:
    for name, does in (
        ("pause", "Finish this experiment, start no more."),
        ("hold", "Stop the running experiment where it is, its clock with it."),
    ):
        _run(
            _add(
                commands, name, f"ask:{name}", does, f"examples:\n  loopwatch {name}\n  loopwatch resume      to go on"
            )
        )
    stop = _add(commands, "stop", "ask:stop", "End the run after this experiment.", manual.STOP_EXAMPLES)
    _run(stop)
    stop.add_argument("--now", action="store_true", help="stop the running experiment too")
    abort = _add(commands, "abort", "ask:abort", "Stop the running experiment; it counts as not kept.",
                 'examples:\n  loopwatch abort\n  loopwatch abort --reason "the loss went up"')  # fmt: skip
    _run(abort)
    _reason(abort)
    _run(_add(commands, "trust", "ask:trust", "Let the forecaster act, before its back-test has proved it.",
              manual.TRUST_EXAMPLES))  # fmt: skip
    generation = _add(commands, "generation", "generation:generation",
                      "The generations of an agent that rewrites itself; one of them can be brought back.", manual.GENERATION)  # fmt: skip
    generation.add_argument("words", metavar="[RUN] [NAME]", nargs="*",
                            help="the newest run or the named one, and a generation, such as gen_002; all of them without one")  # fmt: skip
    generation.add_argument(
        "--restore", action="store_true", help="let this generation work from the next experiment on"
    )
    _json(generation)
    mute = _add(commands, "mute", "ask:mute", "Keep what the reviewer says out of the briefs.",
                "examples:\n  loopwatch mute\n  loopwatch mute --off    to hear it again")  # fmt: skip
    _run(mute)
    mute.add_argument("--off", action="store_true", help="let it into the briefs again")
    note = _add(commands, "note", "ask:note", "Tell the proposer something; it stands in the next prompt.",
                'examples:\n  loopwatch note "try a larger learning rate"\n  loopwatch note RUN "leave the optimizer alone"')  # fmt: skip
    note.add_argument(
        "words", metavar="[RUN] TEXT", nargs="+", help="the note in quotes, for the newest run or the named one"
    )
    mechanism = _add(commands, "mechanism", "ask:mechanism",
                     "Say whether an experiment's mechanism is what happened, whatever its verdict.", manual.MECHANISM)  # fmt: skip
    mechanism.add_argument("words", metavar="[RUN] N confirmed|refuted|open", nargs="+",
                           help="the experiment's number and the word, in the newest run or the named one")  # fmt: skip
    mechanism.add_argument(
        "-m", "--theory", metavar="TEXT", default="", help="how you would explain things from now on"
    )
    policy = _add(commands, "policy", "ask:policy", "Change when a gate asks a person, from now on.",
                  f"{manual.POLICIES}\n\nexamples:\n  loopwatch policy apply=auto\n  loopwatch policy apply=ask-if:lines>20")  # fmt: skip
    policy.add_argument("words", metavar="[RUN] GATE=POLICY", nargs="+", help="for the newest run, or the named one")


def _add_answering(commands: Any) -> None:
    for name, does in (
        ("allow", "Let an agent do what it asks for."),
        ("deny", "Do not let an agent do what it asks for; it reads your reason."),
        ("approve", "Let the waiting proposal be applied."),
        ("veto", "Refuse the waiting proposal."),
        ("send-back", "Ask the proposer for another version, and say why."),
        ("amend", "Put your own diff in place of the proposer's."),
        ("let-run", "Let an experiment run on that looks hopeless."),
        ("accept", "Accept the verdict that waits."),
        ("keep", "Keep the measured experiment, whatever the judge says."),
        ("discard", "Do not keep the measured experiment, whatever the judge says."),
        ("one-more", "Train the measured experiment once more on a fresh seed, and ask again."),
    ):
        more = {
            "amend": " --diff better.diff",
            "send-back": ' -m "without touching the optimizer"',
            "keep": ' -m "simpler code"',
            "deny": ' -m "edit train.py only"',
        }
        parser = _add(commands, name, "ask:reply", does, f"examples:\n  loopwatch {name}{more.get(name, '')}")
        _run(parser)
        _reason(parser, required=name == "send-back")
        parser.add_argument(
            "--digest",
            metavar="HASH",
            default="",
            help="only if what waits has this hash, or one that begins so; show tells it",
        )
        if name == "amend":
            parser.add_argument(
                "--diff", metavar="FILE", required=True, help="a unified diff against the best version; - reads stdin"
            )


def _add_looking(commands: Any) -> None:
    runs = _add(
        commands,
        "runs",
        "report:runs",
        "Every run, newest first.",
        f"{manual.STATES}\n\nexamples:\n  loopwatch runs\n  loopwatch runs --json",
    )
    _json(runs)
    status = _add(commands, "status", "report:status", "How a run stands, and what you can do.",
                  f"{manual.STATES}\n\nexamples:\n  loopwatch status\n  loopwatch status --json --watch")  # fmt: skip
    _run(status)
    _json(status)
    status.add_argument(
        "--watch", action="store_true", help="again whenever something changed, until the engine is gone"
    )
    show = _add(commands, "show", "show:show", "One experiment: why, what, how it went, who decided.",
                "examples:\n  loopwatch show 3\n  loopwatch show pretrain-1121-073610 3 --json")  # fmt: skip
    show.add_argument(
        "words", metavar="[RUN] N", nargs="+", help="the experiment's number, in the newest run or the named one"
    )
    play = _add(commands, "play", "play:play", "The recorded games of an experiment, at any speed.", manual.PLAY)
    play.add_argument("words", metavar="[RUN] [N]", nargs="*",
                      help="the newest run or the named one, and the experiment's number; its best experiment without one")  # fmt: skip
    play.add_argument("--headless", action="store_true", help="plain lines instead of the screen")
    _json(play)
    _json(show)
    show.add_argument("--log", action="store_true", help="the end of what it printed, too")
    brief = _add(
        commands, "brief", "brief:brief", "The prompt that the next experiment will have, to the byte.", manual.BRIEF
    )
    _run(brief)
    brief.add_argument("--experiment", metavar="N", type=int, help="the one that this experiment had, instead")
    _json(brief)
    export = _add(commands, "export", "export:export", "A run in the words of other tools.",
                  "examples:\n  loopwatch export > facts.jsonl\n  loopwatch export --format tsv --output results.tsv")  # fmt: skip
    _run(export)
    export.add_argument(
        "--format", choices=("jsonl", "tsv"), default="jsonl", help="every fact, or the classic table (default: jsonl)"
    )
    export.add_argument("--output", metavar="FILE", help="write to a file instead of stdout")
    backtest = _add(commands, "backtest", "backtest:backtest",
                    "Replay finished experiments: would the forecaster have lost good ones?", manual.BACKTEST)  # fmt: skip
    backtest.add_argument("source", metavar="RUN|FILE", nargs="?",
                          help="a run's name, or a file of curves that ends in .jsonl or .jsonl.gz; the newest run without it")  # fmt: skip
    backtest.add_argument("--forecaster", metavar="NAME", action="append", default=[],
                          help="only this one, may be repeated: learned, power-law, median, "
                          "halving, best-curve or never (default: all)")  # fmt: skip
    _json(backtest)
    audit = _add(commands, "audit", "audit:audit", "Compare a run's ledger with its repository, logs, briefs and bills.",
                 manual.AUDIT)  # fmt: skip
    _run(audit)
    _json(audit)
    noise = _add(commands, "noise", "noise:noise", "How much do identical trainings of a task differ?", manual.NOISE)
    noise.add_argument("task", metavar="TASK", help="a shipped task's name, or a folder with a task.toml")
    noise.add_argument("--repeats", metavar="N", type=int, help="trainings besides the first one (default: 5)")
    noise.add_argument("--seed", metavar="N", type=int, help="what the first training's seed follows from (default: 1)")
    noise.add_argument("--sandbox", metavar="TIER", help="as of loopwatch run")
    _json(noise)
    rerun = _add(commands, "rerun", "rerun:rerun", "Train what an experiment proposed once more, outside of the run.",
                 manual.RERUN)  # fmt: skip
    rerun.add_argument(
        "words", metavar="[RUN] N", nargs="+", help="the experiment's number, in the newest run or the named one"
    )
    rerun.add_argument("--seed", metavar="S", type=int, help="of the training (default: the recorded one)")
    rerun.add_argument(
        "--revision", metavar="R", type=int, help="an earlier proposal of that experiment, sent back or amended"
    )
    _json(rerun)
    ablate = _add(commands, "ablate", "rerun:ablate", "Leave out each kept change in turn: what is lost without it?",
                  manual.ABLATE)  # fmt: skip
    _run(ablate)
    ablate.add_argument(
        "--seeds", metavar="K", type=int, default=1, help="train each version on so many seeds (default: 1)"
    )
    _json(ablate)
    compare = _add(commands, "compare", "compare:compare", "Which level is worth it? Several on several tasks, in one table.",
                   manual.COMPARE)  # fmt: skip
    compare.add_argument("--levels", metavar="A,B,…", default="simple,reviewer,hyperagent,arena:1v1,arena:4x4",
                         help="strategies, the first one to compare with (default: all five)")  # fmt: skip
    compare.add_argument("--tasks", metavar="A,B,…", default="snake,email_validation",
                         help="shipped tasks or folders (default: snake,email_validation)")  # fmt: skip
    compare.add_argument("--repeat", metavar="R", type=int, default=1, help="each so many times, on seeds of its own")
    compare.add_argument(
        "--experiments", metavar="N", type=int, default=30, help="the budget of each run (default: 30)"
    )
    compare.add_argument("--hours", metavar="H", type=float, help="end each run after this many hours at work")
    compare.add_argument(
        "--proposer", metavar="NAME[:ARG]", default="mutation", help="of all of them (default: mutation)"
    )
    compare.add_argument(
        "--reviewer",
        metavar="NAME:MODEL",
        help="of the reviewer level (default: rules, where the proposer needs no model)",
    )
    compare.add_argument("--sandbox", metavar="TIER", default="fenced", help="as of loopwatch run")
    compare.add_argument("--jobs", metavar="J", type=int, help="runs at a time (default: one for two processors)")
    compare.add_argument(
        "--name", metavar="NAME", help="of this comparison; without it, the same question has the same name"
    )
    compare.add_argument("--fresh", action="store_true", help="begin again, with new runs; the old ones stay")
    compare.add_argument("--csv", metavar="FILE", help="write every cell into a file, too")
    _json(compare)
    rubric = _add(commands, "rubric", "rubric:rubric", "Draft the facts by which answers are scored, for you to edit.",
                  manual.RUBRIC)  # fmt: skip
    rubric.add_argument("task", metavar="TASK", help="a task with a suite and a knowledge base, such as support")
    rubric.add_argument(
        "--questions", metavar="FILE", help="a question on each line, or tests in a .json (default: those of the suite)"
    )
    rubric.add_argument(
        "--model", metavar="NAME:MODEL", help="a model that drafts: anthropic:MODEL or openai:MODEL (default: none)"
    )
    rubric.add_argument("--base-url", metavar="URL", help="where the service is, such as http://localhost:8000/v1")
    rubric.add_argument(
        "--usd", metavar="X", type=_finite, help="the most that the model may cost, in US dollars (default: 1)"
    )
    rubric.add_argument("--output", metavar="FILE", help="where to write it (default: TASK.rubric.json, here)")
    rubric.add_argument("--force", action="store_true", help="write over a file that is there")
    rubric.add_argument("--check", metavar="FILE", help="say what is wrong with an edited one, and write nothing")
    rubric.add_argument("--sandbox", metavar="TIER", help="as of loopwatch run")
    _json(rubric)
    cost = _add(commands, "cost", "cost:cost", "What a run spent on models, and what its caps leave.", manual.COST)
    _run(cost)
    _json(cost)
    selftest = _add(commands, "selftest", "selftest:selftest", "Test the harness before it is trusted with a night.",
                    manual.SELFTEST)  # fmt: skip
    selftest.add_argument("what", metavar="WHAT", choices=("null", "constant", "noise", "random", "attacks"),
                          help="null, constant, noise, random or attacks")  # fmt: skip
    selftest.add_argument("task", metavar="TASK", nargs="?", help="for null and random: which task (default: sine)")
    selftest.add_argument("--corpus", metavar="DIR", help="for attacks: a folder of cases instead of our own")
    selftest.add_argument(
        "--experiments", metavar="N", type=int, help="for null, noise and random: how many (default: 20, 60, 12)"
    )
    selftest.add_argument("--sandbox", metavar="TIER", choices=("sealed", "fenced", "limits", "none"),
                          help="in this containment, no less and no more: sealed, fenced, limits or none (default: the best)")  # fmt: skip
    _json(selftest)
    doctor = _add(commands, "doctor", "doctor:doctor", "What keeps experiments in on this machine, and what does not.",
                  manual.DOCTOR)  # fmt: skip
    _json(doctor)
    new = _add(commands, "new", "scaffold:new", "Write a complete task that runs at once, to be changed into your own.",
               "examples:\n  loopwatch new tasks/mine\n  loopwatch run tasks/mine --headless --experiments 3")  # fmt: skip
    new.add_argument("folder", metavar="DIR", help="a folder for it; files that are there are never overwritten")


def _add_lab(commands: Any) -> None:
    lab = _add(commands, "lab", "", "A notebook for agents that run a loop of their own.", manual.LAB)
    verbs = lab.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    hypothesis = _add(verbs, "hypothesis", "lab:hypothesis", "State a hypothesis; prints its name, such as h1.",
                      'examples:\n  loopwatch lab hypothesis "warm up longer" -m "the first steps diverge"')  # fmt: skip
    hypothesis.add_argument("title", metavar="TITLE", help="what to change")
    hypothesis.add_argument("-m", "--mechanism", metavar="TEXT", required=True, help="why it should work")
    experiment = _add(verbs, "experiment", "lab:experiment", "Open an experiment; prints its name, such as e1.",
                      "examples:\n  loopwatch lab experiment h1")  # fmt: skip
    experiment.add_argument("hypothesis", metavar="HYPOTHESIS", help="the name that `lab hypothesis` printed")
    result = _add(
        verbs, "result", "lab:result", "Say what came of an experiment; the last of several counts.", manual.LAB_RESULT
    )
    result.add_argument("experiment", metavar="EXPERIMENT", help="the name that `lab experiment` printed")
    result.add_argument("-v", "--verdict", choices=("keep", "discard", "crash"), required=True)
    result.add_argument("--metrics", metavar="JSON", default="{}", help='an object, such as {"val_bpb": 0.99}')
    held = result.add_mutually_exclusive_group()
    for word, help in (("confirmed", "the mechanism is what happened"), ("refuted", "it is not")):
        held.add_argument(f"--mechanism-{word}", dest="held", action="store_const", const=word, help=help)
    result.add_argument("--theory-revision", metavar="TEXT", default="", help="how you explain things from now on")
    for name, does in (
        ("context", "The last 20 experiments, oldest first."),
        ("failures", "What is not worth trying again."),
    ):
        memory = _add(
            verbs,
            name,
            f"lab:{name}",
            does,
            f"{manual.LAB_MEMORY}\n\nexamples:\n  loopwatch lab {name}\n  loopwatch lab {name} --json",
        )
        memory.add_argument("--run", metavar="RUN", help="of a run of loopwatch, by its name (default: LOOPWATCH_RUN)")
        _json(memory)
    take_in = _add(verbs, "import", "lab:take_in", "Add what stands in an existing experiments.db; it is only read.",
                   "examples:\n  loopwatch lab import data/experiments.db")  # fmt: skip
    take_in.add_argument("file", metavar="FILE", help="may be imported again: only what is new is added")
    shim = _add(verbs, "shim", "lab:shim", "Write a program `lab` that stands for `loopwatch lab`.",
                "examples:\n  loopwatch lab shim ~/bin\n  loopwatch lab shim .      for agents that call ../lab")  # fmt: skip
    shim.add_argument("folder", metavar="DIR", help="where: a folder on the PATH, or a repository's root")


def _add(commands: Any, name: str, function: str, does: str, epilog: str) -> ArgumentParser:
    parser: ArgumentParser = commands.add_parser(
        name, description=does, epilog=epilog, formatter_class=RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.set_defaults(function=function)
    return parser


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ArgumentTypeError(f"{text} is not a finite number")
    return number


def _agent(parser: ArgumentParser) -> None:
    parser.add_argument("--effort", metavar="LEVEL", help="how much a model may think: low, medium, high, xhigh or max")
    parser.add_argument("--edits", metavar="FORM",
                        help="what a model writes: replace (exact search and replace, the default), or whole (the whole file, "
                        "for small models)")  # fmt: skip
    parser.add_argument("--fallback", metavar="MODEL", help="the model to ask when the first one refuses")
    parser.add_argument("--base-url", metavar="URL", help="where the service is, such as http://localhost:8000/v1")
    parser.add_argument("--agent-mode", metavar="MODE", help="an agent's own mode in which it asks before it acts")
    parser.add_argument("--agent-reads", metavar="PATH", action="append", default=[],
                        help="a file or folder that an agent may read besides itself and its login; may be repeated")  # fmt: skip


def _caps(parser: ArgumentParser) -> None:
    parser.add_argument("--usd", metavar="X", type=_finite, help="the most that the run may cost, in US dollars: warns at "
                        "80 %%, pauses at 90 %% where a person approves proposals, stops before it is passed")  # fmt: skip
    parser.add_argument("--usd-day", metavar="X", type=_finite, help="the most that all your runs together may cost in a day "
                        "(UTC); waits for midnight, and goes on")  # fmt: skip
    parser.add_argument("--usd-proposal", metavar="X", type=_finite,
                        help="the most that one proposal and its reviews may cost; without more, that experiment has none")  # fmt: skip


def _run(parser: ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", nargs="?", help="a name from `loopwatch runs`; the newest run without it")


def _json(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="JSON on stdout")


def _headless(parser: ArgumentParser) -> None:
    parser.add_argument("--headless", action="store_true", help="plain lines instead of the screen")
    parser.add_argument("--json", action="store_true", help="one JSON object per fact instead of the screen")


def _reason(parser: ArgumentParser, *, required: bool = False) -> None:
    parser.add_argument(
        "-m", "--reason", metavar="TEXT", default="", required=required, help="why; it stands in the ledger"
    )


def bare(whole: ArgumentParser, args: Namespace) -> Namespace:
    """What `loopwatch` alone means, as if the run that it may start had been typed."""
    program = ["--program", args.bare_program] if args.bare_program else []
    typed = whole.parse_args(["run", args.bare_task, *program])
    typed.function = "starting:bare"
    return typed


class _Parser(ArgumentParser):
    """Repeats what it does not understand as something that no terminal obeys."""

    def error(self, message: str) -> NoReturn:
        from .clean import clean

        super().error(clean(message))


class _Page(_Parser):
    """Explains itself in one page, grouped by what one wants to do."""

    def format_help(self) -> str:
        return manual.PAGE


class _Version(Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"loopwatch {version('loopwatch')}")  # exit(message=...) would say it on stderr
        parser.exit()
