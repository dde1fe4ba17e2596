"""What help says: the one page, and what stands below the options of single commands."""

from typing import Final

PAGE: Final = """\
usage: loopwatch [--program FILE] [--task NAME]
       loopwatch COMMAND ...          (loopwatch COMMAND --help has examples)

Mission control for autoresearch: watch, steer and trust an agent that does
research overnight. Alone, it goes on with your newest run if that is not
finished, else it starts the task `pretrain`; without a terminal it prints
plain lines instead of a screen.

start and follow
  new DIR              make a task of your own that runs at once
  run TASK             start a run of a shipped task or of a task folder
  attach [RUN]         watch a run; leaving it never stops it
  resume [RUN]         end a pause, or start a stopped or killed run again

steer
  pause, hold [RUN]    start no more; or stop the running one where it is
  stop, abort [RUN]    end the run after this experiment; or the experiment
  note [RUN] TEXT      tell the proposer something
  policy [RUN] GATE=POLICY   change when a gate asks a person
  mechanism [RUN] N WORD     was it the cause: confirmed, refuted or open
  mute [RUN] [--off]   keep the reviewer's words out of the briefs
  trust [RUN]          let the forecaster abort, before it has proved itself
  generation [RUN] [NAME]    an agent's own versions; --restore brings one back

answer a gate
  allow, deny [RUN]                       what an agent asks to do as it works
  approve, veto, send-back, amend [RUN]   a proposal, before it is applied
  let-run, abort [RUN]                    an experiment that looks hopeless
  accept, keep, discard, one-more [RUN]   a verdict

look
  runs, status [RUN]   every run; how one stands, and what you can do
  show [RUN] N         one experiment: why, what, how it went, who decided
  play [RUN] [N]       the games that an experiment played, move by move
  brief [RUN]          the prompt that the next experiment will have
  export [RUN]         every fact as JSON lines, or the classic results.tsv
  noise TASK           how much identical trainings of a task differ
  rubric TASK          draft the facts that answers are scored by
  backtest [RUN|FILE]  replay what is finished: may the forecaster be trusted?
  cost [RUN]           what the models cost, by whom and for what
  audit [RUN]          do ledger, repository, logs, briefs and bills agree?
  rerun, ablate [RUN]  train a proposal again; or leave out each kept change
  compare              several levels on several tasks, and one table
  lab VERB             a notebook for an agent that runs a loop of its own
  doctor, selftest     what keeps experiments in here; is the harness sound?

options
  --program FILE       the research programme to follow, in plain words
  --task NAME          the task to start when there is nothing to go on with
  --version, --help

RUN is a name from `loopwatch runs`; without it the newest run is meant. With
--json, the commands that follow or look print JSON on stdout.

exit codes: 0 ended as asked, 1 your input has to change, 2 the command line
cannot be read, 3 stopped short (failures, no gain, a person), 4 the engine
failed or was killed (nothing is lost: resume), 130 Ctrl+C, 143 SIGTERM

LOOPWATCH_HOME moves the folder of the runs (to a local disk), LOOPWATCH_CONFIG
that of your prices.json and keys.toml; LOOPWATCH_USER says who you are.
"""

COMPARE: Final = """\
A level is a strategy: simple, reviewer, hyperagent[:K], arena:1v1, arena:NxM.
Every cell is an ordinary run with the same budget of experiments, unattended;
loopwatch runs lists them and attach shows one. Asked again, the same question
goes on where it was; Ctrl+C stops what works.

BEST is measured on the task's original tests, HIDDEN on tests that nothing in
any run has seen. With --repeat each number has its standard deviation, and
two levels are told apart when they differ by more than two that are the same
do in one case of twenty (Student's t).

examples
  loopwatch compare --levels simple,arena:1v1 --tasks snake --repeat 3
  loopwatch compare --proposer anthropic --experiments 20 --csv cells.csv"""

DOCTOR: Final = """\
A process in a box of each kind tries to get out: it reaches for the network,
for other files and processes, and uses up too much. Every engine does the same
when it starts, takes the best kind that holds, and writes down what is open.
  sealed   a world of its own, with nothing in it but what training needs
  fenced   files and the network are out of reach, other programs in part
  limits   no network, and limits; your files can be read and written

exit codes: 0 runs start here as they are, 1 they need --sandbox limits or none

examples:
  loopwatch doctor
  loopwatch doctor --json"""

POLICIES: Final = """\
A gate's policy is one of
  auto                  never ask: yes; the ledger says that no person approved
  ask                   ask, and wait for ever
  ask:SECONDS=approve   ask, and take silence for yes after SECONDS
  ask:SECONDS=veto      ask, and take silence for no after SECONDS
  ask-if:RULE,...       ask when any rule holds, else auto; a rule is one of
                        lines>N, files>N, path=NAME, gain>X, gain<X
  shadow, off           the run gate only: the forecaster only counts; or rests
The gates are `tool` (what an agent asks to do while it works on a proposal; of
itself it may only edit its own copy), `apply` (before a proposal is applied),
`run` (when an experiment looks hopeless), `verdict` (before a verdict counts),
`rewrite` (before a new version of an agent's own source code may work)."""

STATES: Final = """\
In JSON, `state` is one of starting, proposing, waiting (a gate waits for a
person), running, evaluating, paused, held, stopping, stopped, and dead (the
engine was killed; loopwatch resume goes on)."""


RUBRIC: Final = """\
A rubric is a suite of questions, each with the facts that an answer should
state: a sentence, a weight, the topic that supports it, and a pattern that
finds it. The draft is made from the task's knowledge base, by a model or from
its most telling words; only what the task's own check admits is in it. Edit
it, check it, and put it in the place of the suite's file in your own task.

examples:
  loopwatch rubric support --questions questions.txt
  loopwatch rubric support --model anthropic:claude-haiku-5-5
  loopwatch rubric support --check support.rubric.json"""

AUDIT: Final = """\
Each fact's row is hashed together with the row before it; each commit is held
against its parent, the diff that was proposed and the ledger's words; each log,
artefact and prompt against the digest that the ledger has of it; bills are
added up. Nothing is written. It also works while an engine does: what is not
settled yet is left out. The exit code is 1 when anything disagrees.

examples:
  loopwatch audit
  loopwatch audit pretrain-1121-073610 --json"""

RERUN: Final = """\
The exact bytes are trained and measured in a folder of their own, with the
task's evaluator and in its sandbox; the run does not change. The exit code is 0
when the number is the recorded one or within the noise (2 standard deviations
of the difference of two trainings), else 1. What was vetoed can be trained too.

examples:
  loopwatch rerun 4
  loopwatch rerun pretrain-1121-073610 4 --seed 7"""

ABLATE: Final = """\
The best version is trained as it is, and once more without each kept change, on
the same seeds; what a later change builds upon cannot be left out, and is said
so. The run does not change. With one seed the ± is what the noise alone does;
more seeds say more.

examples:
  loopwatch ablate
  loopwatch ablate pretrain-1121-073610 --seeds 3"""

RUN_EXAMPLES: Final = """\
examples:
  loopwatch run pretrain
  loopwatch run sine --headless --experiments 3
  loopwatch run ./my-task --proposer scripted:demo.jsonl
  loopwatch run ./my-task --headless --gate apply=ask:60=veto
  loopwatch run pretrain --detach --gate apply=auto --hours 8
  loopwatch run pretrain --proposer anthropic --usd 20
  loopwatch run pretrain --proposer openai:qwen3 --edits whole \\
    --base-url http://localhost:11434/v1"""

ATTACH_EXAMPLES: Final = """\
With --json it prints the run's facts from the first one on.

examples:
  loopwatch attach
  loopwatch attach pretrain-1121-073610 --json"""

RESUME_EXAMPLES: Final = """\
A run whose engine is at work but paused or held goes on, and one that waits
for a service tries again at once; it is followed only with --headless or
--json. More money: --usd and its like, also for a run that is at work.

examples:
  loopwatch resume
  loopwatch resume --headless --experiments 50
  loopwatch resume --usd 30"""

BRIEF: Final = """\
It is what the engine would send now: the same bytes, if nothing happens before.
While a proposer thinks it is the prompt that it was given. What is known of the
prompt is said on stderr. In JSON, `given` says whether a proposer had it,
`awaits` names an experiment whose outcome will be added, and `left_out` lists
what had no room.

examples:
  loopwatch brief
  loopwatch brief --experiment 7
  loopwatch brief pretrain-1121-073610 --json"""

PLAY: Final = """\
An evaluator that plays games may record them; the best experiment's are shown.
Without a terminal it prints how each game ended, and the end of the best one.

keys: space pause, + and - speed, ← and → step, n and p game, ? all keys, q leave

examples:
  loopwatch play
  loopwatch play 7
  loopwatch play snake-1121-073610 7 --headless"""

MECHANISM: Final = """\
The metric's verdict stays as it is: a kept change may have worked for another
reason than the one that was given. Prompts tell both from then on.

examples:
  loopwatch mechanism 7 refuted
  loopwatch mechanism 7 confirmed -m "the first steps were too bold"
  loopwatch mechanism pretrain-1121-073610 7 open"""

GENERATION: Final = """\
A run with --strategy hyperagent has an agent that is source code, and rewrites
itself. Each version that was written is a generation, with what its experiments
gained; one works at a time. Their files are in the run's folder: seed/,
agent_code/ and generations/.

examples:
  loopwatch generation
  loopwatch generation gen_002              why, what became of it, and its diff
  loopwatch generation gen_000 --restore    let the first one work again"""

TRUST_EXAMPLES: Final = """\
Until then it is in shadow: it looks and counts, and aborts nothing.

examples:
  loopwatch backtest      look first
  loopwatch trust"""

NOISE: Final = """\
The unmodified task is trained on seeds that differ, one after the other; a run
of its own holds them. A gain that is no greater than this may be luck.

examples:
  loopwatch noise sine
  loopwatch noise tasks/mine --repeats 9 --json"""

BACKTEST: Final = """\
Every experiment is replayed as if the forecaster had decided: what it aborts
stays unknown to it, as in life. In JSON, `verdict` is one of too_few, broken
(more false aborts than promised), idle (nothing saved), unproved (no more than
promised, but chance could hide more) and kept.

A file has one experiment a line, a JSON object with
  episode, order    the loop that it belongs to, and its place there
  budget            how much it could use, in the unit of `times`
  direction         of the metric: "min" or "max"
  final             the metric at the end, null if it failed
  times, losses     the training loss; null is no number
and optionally
  val_times, vals   the metric on the way
  loss_to_metric    the factor from the loss to the metric's scale
  duration          when it really ended
A bad line ends it: without that experiment, later ones would be compared with
another best.

examples:
  loopwatch backtest
  loopwatch backtest pretrain-1121-073610 --forecaster learned
  loopwatch backtest curves.jsonl.gz --json"""

COST: Final = """\
By role, model, day and proposal: dollars, requests, tokens, and what came from
the service's cache. What has no price is unknown, never 0; ~ marks estimates.

examples:
  loopwatch cost
  loopwatch cost pretrain-1121-073610 --json"""

LAB: Final = """\
It remembers, for all working trees of a git repository, what was tried, why it
should have worked, and what came of it. No experiment without a hypothesis, no
hypothesis without a mechanism.

  hypothesis TITLE -m MECHANISM   prints its name, such as h1
  experiment HYPOTHESIS           prints its name, such as e1
  result EXPERIMENT -v keep|discard|crash [--metrics JSON]
         [--mechanism-confirmed|--mechanism-refuted] [--theory-revision TEXT]
  context                         the last 20 experiments
  failures                        what is not worth trying again
  import FILE                     add what stands in an existing experiments.db
  shim DIR                        write a program `lab` for agents that call it

A part of the repository is a task of its own, named after its path; at the root
all are shown. Exit codes: 0 done, 1 something has to change, 2 not understood.

examples:
  loopwatch lab hypothesis "warm up longer" -m "the first steps diverge"
  loopwatch lab experiment h1
  loopwatch lab result e1 -v keep --metrics '{"val_bpb": 0.99}'
  loopwatch lab context"""

LAB_RESULT: Final = """\
examples:
  loopwatch lab result e1 -v crash
  loopwatch lab result e1 -v keep --metrics '{"val_bpb": 0.99}' \\
      --mechanism-refuted --theory-revision "it was the seed" """.rstrip()

LAB_MEMORY: Final = """\
Each line has the experiment, [verdict], title, mechanism, whether the mechanism
was confirmed, refuted or is open, the metrics, and the theory as it was revised."""

STOP_EXAMPLES: Final = """\
examples:
  loopwatch stop
  loopwatch stop --now
  loopwatch resume      to go on with it later"""

SELFTEST: Final = """\
Real runs, in a state folder of their own that is deleted when all is well:
  null      edits that change nothing: how many does the loop take for gains?
  constant  a metric that never moves: does the run refuse to start?
  noise     a metric that is chance alone: how many false gains are confirmed?
  random    random search: is an honest night taken for a fraud?
  attacks   a corpus of attacks: which are accepted, what do they get at, and
            is something honest refused? A corpus is a folder with a
            manifest.json, one program for each case, and the task they attack.
Exit codes: 0 all is well, 1 something is not, or your input has to change.

examples:
  loopwatch selftest attacks
  loopwatch selftest attacks --corpus ./attacks --sandbox fenced --json
  loopwatch selftest null sine --experiments 40"""
