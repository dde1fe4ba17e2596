"""Text from outside does nothing: every payload in every widget, on the screen, in every command, and in what is exported."""

import csv
import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from loopwatch.engine import events
from loopwatch.engine.client import Run
from loopwatch.engine.editing.diff import UNSEEN
from loopwatch.engine.events import Entry
from loopwatch.engine.fact import Fact
from loopwatch.engine.ledger import Ledger
from loopwatch.engine.prompt.brief import Brief, compose
from loopwatch.engine.state import State
from loopwatch.engine.task import load
from loopwatch.engine.telemetry import Telemetry
from loopwatch.tui import sentences
from loopwatch.tui.clean import clean, clean_lines, printable, reveal
from loopwatch.tui.cli import main
from loopwatch.tui.widgets.askbox import AskBox, AskView
from loopwatch.tui.widgets.curve import Curve, Forecast, Level, Series
from loopwatch.tui.widgets.diff import Diff
from loopwatch.tui.widgets.keylist import KeyList
from loopwatch.tui.widgets.lines import Lines
from loopwatch.tui.widgets.page import Page
from loopwatch.tui.widgets.prompt import Prompt
from loopwatch.tui.widgets.table import Column, Row, Table
from loopwatch.tui.widgets.tail import Tail, Voice

from .command import made_run, opened
from .hostile import PAYLOADS, a_night, disobeyed, every_kind, life, mixed, spoilt, unproposed, waiting
from .stage import on_stage
from .terminal import Terminal

EVERYTHING = " ".join(PAYLOADS.values())

payloads = pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())


# --- the one sink


def test_of_thousands_of_random_texts_nothing_is_left_that_a_terminal_obeys() -> None:
    for text in mixed(3_000, seed=1):
        lines = [clean(text), reveal(text), *clean_lines(text), *printable(text).split("\n")]

        assert not disobeyed("".join(lines)), repr(text)
        assert "\x1b" not in "".join(lines)
        assert all(len(line.splitlines()) <= 1 for line in lines), repr(text)


@pytest.mark.parametrize("kind", every_kind(), ids=lambda kind: kind.__name__)
def test_every_kind_of_fact_is_told_in_one_clean_line(kind: type[Fact]) -> None:
    for payload in PAYLOADS.values():
        told = sentences.sentence(spoilt(kind, payload))

        assert not disobeyed(told)
        assert len(told.splitlines()) == 1
        assert "\x1b" not in told


# --- widgets


class EveryWidget(Vertical):
    """Each widget that shows text, with the same text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def compose(self) -> ComposeResult:
        text = self._text
        table = Table((Column(text, 20), Column("b", 20, flexible=True)), title=text, empty=text, id="table")
        tail, diff, page = Tail(title=text, empty=text), Diff(title=text, empty=text), Page(title=text, keys=text)
        yield from (table, tail, diff, page, Curve(title=text, empty=text), Diff(title=text, empty=text, id="empty"))
        yield from (AskBox(), Lines(id="lines"), Prompt(), KeyList(title=text))

    def on_mount(self) -> None:
        text = self._text
        self.query_one("#table", Table).set_rows([Row("1", (text, (text, "bad"))), Row("2", (text,))])
        tail = self.query_one(Tail)
        tail.heading(text)
        tail.append(text, voice=Voice("text", "▸"))
        tail.append(f"{text}\n{text}")
        tail.flush()
        self.query(Diff).first().set_diff(f"--- a/{text}\n+++ b/{text}\n@@ -1 +1 @@ {text}\n-{text}\n+{text}!\n")
        self.query_one("#empty", Diff).set_diff("", empty=text)
        self.query_one(Page).set_text(text)
        self.query_one(AskBox).show(AskView(text, text, text, (text, (text, "warn")), text))
        self.query_one("#lines", Lines).set_lines([[(text, "text"), (text, "bad")]])
        self.query_one(Prompt).open(text, lambda _: None)
        level, band = Level(2.0, text), Forecast(1.0, 2.0)
        self.query_one(Curve).show(
            now=Series([0.0, 1.0], [3.0, 2.0]), best=None, title=[(text, "text")], forecast=band, level=level, x_max=1.0,
            x_label=text, x_end=text,
        )  # fmt: skip


def sent_for(widget: Widget) -> str:
    """What the terminal is sent to show the whole screen."""
    update = widget.screen._compositor.render_full_update()
    return update.render_segments(widget.app.console)


@payloads
async def test_no_widget_sends_it_to_the_terminal(payload: str) -> None:
    stage = EveryWidget(payload)

    async with on_stage(stage, (100, 90)) as pilot:
        await pilot.pause()
        sent = sent_for(stage)

    assert disobeyed(sent) == []
    assert "\x1b]" not in sent


# --- commands


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOPWATCH_HOME", str(tmp_path))
    monkeypatch.setenv("LOOPWATCH_USER", "anna")
    return tmp_path


@pytest.fixture
def night(home: Path) -> Run:
    """One experiment for each payload, in all that it says, and three with all of them at once, in every kind of fact."""
    lives = [fact for number, payload in enumerate(PAYLOADS.values(), 4) for fact in life(number, payload, kept=False)]
    run = made_run(home, opened(), *a_night(EVERYTHING), *unproposed(EVERYTHING), *lives)
    (run.folder / "logs").mkdir()
    for number, payload in enumerate(PAYLOADS.values(), 4):
        log = run.folder / "logs" / f"{number:04d}-1.log"
        log.write_text(payload, encoding="utf-8", errors="replace")
    return run


@pytest.mark.parametrize(
    "command",
    [
        "show made-1 1", "show made-1 2", "show made-1 3", "status made-1", "status made-1 --json", "runs", "runs --json",
        "cost made-1", "cost made-1 --json", "export made-1", "export made-1 --format tsv", "attach made-1 --headless",
        "attach made-1 --headless --json", "lab context --run made-1", "lab context --run made-1 --json",
        "lab failures --run made-1",
    ],
)  # fmt: skip
@pytest.mark.usefixtures("night")
def test_no_command_prints_it(capsys: pytest.CaptureFixture[str], command: str) -> None:
    main(command.split())

    printed = "".join(capsys.readouterr())
    assert "fault of loopwatch" not in printed
    assert "made-1" in printed or "val_bpb" in printed
    assert "\x1b" not in printed
    assert disobeyed(printed.replace("\t", "")) == []


@pytest.mark.usefixtures("night")
def test_no_experiment_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    for number, payload in enumerate(PAYLOADS.values(), 4):
        main(["show", "made-1", str(number), "--log"])

        printed = "".join(capsys.readouterr())
        assert "the end of its log" in printed or not payload.strip()
        assert "\x1b" not in printed
        assert disobeyed(printed) == []


@pytest.mark.usefixtures("night")
def test_a_table_has_one_row_for_each_experiment_and_no_formula(capsys: pytest.CaptureFixture[str]) -> None:
    main(["export", "made-1", "--format", "tsv"])

    heading, *rows = csv.reader(capsys.readouterr().out.splitlines(keepends=True), delimiter="\t")
    assert len(rows) == len(PAYLOADS) + 3
    assert {len(row) for row in (heading, *rows)} == {5}
    assert not any(row[-1].startswith(("=", "+", "-", "@")) for row in rows)


@pytest.mark.usefixtures("night")
def test_json_brings_it_back_letter_by_letter(capsys: pytest.CaptureFixture[str]) -> None:
    main(["export", "made-1"])

    lines = capsys.readouterr().out.splitlines()
    proposed = {fact["hypothesis"] for fact in map(json.loads, lines) if fact["kind"] == "proposed"}
    assert "".join(lines).isascii()
    assert proposed == {text.encode("utf-8", "replace").decode() for text in (*PAYLOADS.values(), EVERYTHING)}


def test_a_word_that_is_no_command_is_repeated_clean(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["show", "1", EVERYTHING, "--odd\x9b2J"])

    assert disobeyed(capsys.readouterr().err) == []


# --- prompts


@payloads
def test_a_model_reads_it_as_words_between_marks_of_ours(payload: str) -> None:
    state = State()
    for seq, fact in enumerate([opened(), *a_night(payload), *unproposed(payload)], 1):
        state.apply(Entry(seq, float(seq), fact))
    brief = Brief(
        experiment=4, revision=2, task=load("sine"), program=payload, sources={"train.py": payload, payload: "x"},
        history=tuple(state.experiments.values()), best=2.5, notes=(payload, payload), comment=payload, seed=1,
        sent_back=state.experiments[2], diagnostics=payload, review=payload,
    )  # fmt: skip

    prompt = compose(brief).text

    assert not UNSEEN.search(prompt.replace("\r\n", "\n"))


# --- the screen, in a terminal


@pytest.fixture
def asking(night: Run) -> Iterator[Run]:
    """And now an agent asks for something, with all of them; an engine seems to be at work."""
    last = len(PAYLOADS) + 4
    ledger, telemetry = Ledger.of(night.folder), Telemetry.of(night.folder)
    ledger.append(
        spoilt(events.EngineStarted, EVERYTHING),
        spoilt(events.Proposing, EVERYTHING, experiment=last, revision=1, notes=()),
        *waiting("tool", EVERYTHING, last),
    )
    for number, payload in enumerate(PAYLOADS.values(), 4):
        telemetry.add_thought(number, payload, "text")
        telemetry.add_thought(number, payload, "tool")
    ledger.close()
    telemetry.close()
    lock = os.open(night.folder / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield night
    os.close(lock)


def test_a_terminal_gets_nothing_but_what_textual_says_to_it(asking: Run, home: Path) -> None:
    last = len(PAYLOADS) + 4
    with Terminal(home, "attach", asking.name, columns=120, rows=40) as terminal:
        terminal.shows("WAITING FOR YOU", "Asked for", "[@click=app.quit]press[/]")
        for number in range(1, last):
            terminal.press("j")
            terminal.shows(f"3 Reasoning  #{last - number}")
        terminal.press("5", "z")
        terminal.shows("5 Events")
        terminal.press("6")
        terminal.shows("6 Output")
        terminal.press("n")
        terminal.shows("note to the proposer")
        terminal.press(f"\x1b[200~{'evil' + EVERYTHING[:300]}\x1b[201~")
        terminal.shows("evil")
        terminal.press("\x1b")
        terminal.hides("note to the proposer")
        terminal.press("q")
        assert terminal.ended() == 0

    assert disobeyed(terminal.raw.decode()) == []


def test_what_ends_the_screen_is_told_clean(asking: Run, home: Path) -> None:
    with Terminal(home, "attach", asking.name) as terminal:
        terminal.shows("WAITING FOR YOU")
        with sqlite3.connect(asking.folder / "run.db") as db:
            body = json.dumps({"kind": "paused", "by": EVERYTHING, "because": EVERYTHING})
            db.execute("insert into event (at, kind, body) values (1, 'paused', ?)", (body,))
        assert terminal.ended() == 4

    before, _, told = terminal.raw.decode().rpartition("loopwatch: ")
    assert "cannot be understood" in told
    assert disobeyed(told) == []
    assert disobeyed(before) in ([], [repr("\x07")])  # Textual rings the bell
