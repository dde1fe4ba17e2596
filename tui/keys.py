"""One table of keys. Footer, help screen, command palette and README come from it.

`when` says in which moments a key means something: the footer shows those, and the others do nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

When = Literal[
    "always", "tool", "apply", "run", "verdict", "rewrite", "running", "training", "working", "service", "undo", "dead",
    "lineage",
]  # fmt: skip
"""tool, apply, run, verdict, rewrite: that gate waits. training: an experiment trains. running: one trains or is being proposed.
working: an engine works. service: a service is waited for. undo: an answer can be taken back. dead: no engine works.
lineage: the screen of the agents' family is open."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key and what it does."""

    id: str
    keys: str
    label: str
    """One or two words, for the footer."""
    help: str
    when: When = "always"
    footer: bool = True

    @property
    def first(self) -> str:
        """The key as it is shown."""
        return SHOWN.get(first := self.keys.split(",")[0], first)


SHOWN = {
    "question_mark": "?",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "colon": ":",
    "tab": "tab",
    "escape": "esc",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}

KEYS: tuple[Key, ...] = (
    Key("allow", "a", "allow", "let the agent do what it asks for", "tool"),
    Key("deny", "v", "deny", "do not let it; asks for a reason, which the agent reads", "tool"),
    Key(
        "rewrite",
        "e",
        "amend",
        "edit in $EDITOR what the agent asks for: it does that instead, or is denied with your words",
        "tool",
    ),
    Key(
        "allow_all",
        "A",
        "allow all",
        "allow it, and ask no more: what stays within the agent's copy is allowed, all else is denied",
        "tool",
        footer=False,
    ),
    Key("approve", "a", "approve", "say yes to the proposal: it is applied and run", "apply"),
    Key("veto", "v", "veto", "say no; asks for a reason, which may stay empty", "apply"),
    Key("amend", "e", "amend", "edit the diff in $EDITOR; the new diff is shown before it counts", "apply"),
    Key("send_back", "b", "send back", "ask the proposer for something else, with a comment", "apply"),
    Key("approve_all", "A", "approve all", "say yes, and do not ask at this gate again", "apply", footer=False),
    Key("accept", "a", "accept", "accept the verdict", "verdict"),
    Key(
        "override",
        "o",
        "override",
        "keep what would be discarded, or discard what would be kept; asks for a reason",
        "verdict",
    ),
    Key(
        "one_more",
        "plus",
        "one more",
        "train it once more on a fresh seed before you decide; the question says what that costs",
        "verdict",
    ),
    Key("let_work", "a", "allow", "let the new version of the agent work; it runs only in a sandbox", "rewrite"),
    Key("keep_parent", "v", "deny", "do not let it: the last version stays; asks for a reason", "rewrite"),
    Key("let_run", "l", "let run", "let the experiment run on", "run"),
    Key(
        "abort",
        "x",
        "abort",
        "stop the experiment that trains, or veto the one being proposed in the middle of a thought; it counts as not kept",
        "running",
    ),
    Key("retry", "r", "try now", "ask the service again at once, instead of waiting", "service"),
    Key("undo", "u", "undo", "take back the last answer while it has not taken effect", "undo"),
    Key("pause", "p", "pause", "finish this experiment and start no more; again: go on", "working"),
    Key("hold", "h", "hold", "stop the experiment where it is, and its clock; again: go on", "training"),
    Key("note", "n", "note", "write a note to the proposer, which reads it as early as it can; a receipt says when"),
    Key("stop", "S", "stop", "end the run: after this experiment, or at once", "working"),
    Key(
        "trust",
        "t",
        "trust",
        "let the forecaster act: before it has proved itself it only counts",
        "working",
        footer=False,
    ),
    Key(
        "mute", "m", "mute", "keep what the reviewer says out of the briefs; again: let it in", "working", footer=False
    ),
    Key(
        "explain",
        "E",
        "explain",
        "say whether the mechanism of the selected experiment held: confirmed ✓, refuted ✗ or open ○ (column m)",
        "working",
        footer=False,
    ),
    Key(
        "brief",
        "B",
        "brief",
        "the prompt that the selected experiment had, and what the next one will be",
        footer=False,
    ),
    Key(
        "play",
        "P",
        "play",
        "the recorded games of the selected experiment, where its task is a game",
        footer=False,
    ),
    Key(
        "lineage",
        "L",
        "lineage",
        "agents that are source code: each version, what it gained, and the best on both suites; b brings one back",
        footer=False,
    ),
    Key("bring_back", "b", "bring back", "on the lineage screen: let the selected version work again", "lineage"),
    Key("restart", "R", "restart", "start an engine again: nothing is lost, the run goes on", "dead"),
    Key("experiments", "1", "experiments", "the experiments so far; ↑ and ↓ look at older ones", footer=False),
    Key("curve", "2", "curve", "the live curve, the best one behind it", footer=False),
    Key(
        "reasoning",
        "3",
        "reasoning",
        "what is thought (…), said (▸), done with tools (●) and wrong (▲), then hypothesis, verdict and review",
        footer=False,
    ),
    Key("diff", "4,d", "diff", "the diff; [ and ] go from hunk to hunk", footer=False),
    Key("events", "5", "events", "everything that happened, with who and when", footer=False),
    Key("output", "6", "output", "what the experiment prints", footer=False),
    Key("auto", "0", "auto", "show what matters at the moment", footer=False),
    Key("zoom", "z", "zoom", "the pane with the focus fills the screen; again: back", footer=False),
    Key("next_pane", "tab", "next", "the next pane", footer=False),
    Key("down", "down,j", "down", "move down", footer=False),
    Key("up", "up,k", "up", "move up", footer=False),
    Key("page_down", "pagedown,ctrl+d", "page down", "move down by a page", footer=False),
    Key("page_up", "pageup,ctrl+u", "page up", "move up by a page", footer=False),
    Key("first", "g,home", "first", "go to the beginning", footer=False),
    Key("last", "G,end", "last", "go to the end, and follow it again", footer=False),
    Key("next_hunk", "right_square_bracket", "hunk", "the next hunk of the diff", footer=False),
    Key("previous_hunk", "left_square_bracket", "hunk", "the hunk before", footer=False),
    Key("help", "question_mark,f1", "help", "every key; again: back"),
    Key("back", "escape", "back", "out of help or a zoomed pane", footer=False),
    Key("palette", "colon,ctrl+p", "commands", "find a command by its name", footer=False),
    Key("detach", "q", "leave", "leave; the run goes on, and loopwatch brings you back"),
)

PLAYING: tuple[Key, ...] = (
    Key("halt", "space", "pause", "stop the game where it is; again: go on"),
    Key("faster", "plus,equals_sign", "faster", "more moves in a second"),
    Key("slower", "minus", "slower", "fewer moves in a second"),
    Key("step", "right,l", "step", "stop, and go one move on"),
    Key("step_back", "left,h", "back", "stop, and take one move back", footer=False),
    Key("next_game", "n,down,j", "next game", "the next game"),
    Key("previous_game", "p,up,k", "previous game", "the game before", footer=False),
    Key("first", "g,home", "first", "the beginning of the game", footer=False),
    Key("last", "G,end", "last", "the end of the game", footer=False),
    Key("help", "question_mark,f1", "help", "every key; again: back"),
    Key("back", "escape,q", "leave", "out of help, or leave the games"),
)
"""The keys of the screen that plays recorded games."""


DISPENSABLE = ("stop", "note", "hold", "pause", "help")
"""What the footer leaves out first when it is too narrow; help has them all."""


def footer(moments: frozenset[When], width: int, label: Callable[[Key], str]) -> list[tuple[str, str]]:
    """The keys that the footer shows when these moments hold, with what `label` calls them, decisions first, as many as fit."""
    keys = [key for key in KEYS if key.footer and key.when in moments]
    for name in DISPENSABLE:
        if sum(len(key.first) + len(label(key)) + 3 for key in keys) > width:
            keys = [key for key in keys if key.id != name]
    return [(key.first, label(key)) for key in keys]
