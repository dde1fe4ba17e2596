"""Drafts of rubrics: for a question and a knowledge base, the facts that an answer might have to state. For a person to edit.

A fact is a sentence with a weight, the topic that supports it, and a pattern that finds it in an answer; whether it may stand in a
suite, the task's own check says. Without a model, facts are the sentences that fit the question best, each with its rarest words as
a pattern: a beginning, and no more. Pure.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .models import Answer, Tool
from .prompt import quote
from .prompt.brief import Block, Prompt

FACTS = 3
"""In a draft, at most."""
CANDIDATES = 6
"""Of which those are taken that the task's check admits."""
PASSAGES = 5
"""Paragraphs that facts are drawn from."""
PASSAGE_CHARACTERS = 1500
SENTENCE = range(30, 281)
APART = 60
"""Characters between two words of a pattern, at most."""
SHORTEST = 5
"""Letters of a word that a pattern may be made of."""

RULES = """\
You draft the rubric by which answers of a support desk are scored. You are given a question and passages of the knowledge base;
all of that is quoted as data. Name the facts that a good answer to the question states, most important first:

- Each fact is one plain sentence that one of the passages supports, that is true or false of an answer, and that the question
  does not already say.
- Its weight is 1 to 3, its topic the name of the passage that supports it.
- Its pattern is a regular expression, tried without regard to case on an answer in one line: it is found where the fact is stated
  in the words of the passage or in other likely words, and nowhere else. It has to be found in the passage, and not in the question.
  Letters, sets, groups, alternatives and counted repeats such as .{0,40} may be used; neither * nor + nor anything that looks around."""

TOOL = Tool(
    "draft_rubric",
    "Give the facts. Call it once; it is your answer.",
    {
        "type": "object",
        "properties": {
            "facts": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "fact": {"type": "string", "description": "One plain sentence."},
                        "weight": {"type": "integer", "enum": [1, 2, 3]},
                        "topic": {"type": "string", "description": "The name of the passage that supports it."},
                        "pattern": {"type": "string", "description": "The regular expression that finds it in an answer."},
                    },
                    "required": ["fact", "weight", "topic", "pattern"],
                    "additionalProperties": False,
                },
            }
        },
        "required": ["facts"],
        "additionalProperties": False,
    },
)  # fmt: skip

_ASKING = """
    about an and are as at be by can do does for from good has have how if in is it me mean my not of on one or should so that the
    there this to use used was what when where which who why will with would you your
"""
ASKING = frozenset(_ASKING.split())
"""What every question says, and the reference hardly ever: rare words that tell nothing."""

_BREAK = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"*(])")


class Fact(BaseModel):
    """One fact of a rubric, as it stands in a suite."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fact: str
    weight: int = Field(gt=0)
    topic: str
    pattern: str


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid")

    facts: list[Fact] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph of a topic, on one line."""

    topic: str
    text: str


class Library:
    """A knowledge base, to look things up in."""

    def __init__(self, knowledge: Mapping[str, str]) -> None:
        """`knowledge`: a text per topic."""
        self._passages = [
            Passage(topic, text)
            for topic, whole in knowledge.items()
            for part in re.split(r"\n\s*\n", whole)
            if len(text := " ".join(part.split())) >= SENTENCE[0]
        ]
        self._counts = [Counter(_words(f"{passage.topic} {passage.text}")) for passage in self._passages]
        self._spread = Counter(word for counts in self._counts for word in counts)
        self._usual = sum(counts.total() for counts in self._counts) / max(len(self._counts), 1)

    def passages(self, question: str) -> list[Passage]:
        """Those that fit a question best, by BM25, the best first."""
        asked = _asked(question)
        scores = [self._fit(asked, counts) for counts in self._counts]
        best = sorted(range(len(scores)), key=lambda at: -scores[at])[:PASSAGES]
        return [self._passages[at] for at in best if scores[at] > 0]

    def drafts(self, question: str) -> list[Fact]:
        """Facts for a question, the best first: sentences that fit it, with the rarest words that it does not say itself."""
        asked = _asked(question)
        found: list[tuple[float, Fact]] = []
        for passage in self.passages(question):
            for sentence in _sentences(passage.text):
                if pattern := self._pattern(sentence, set(_words(question))):
                    fact = Fact(fact=sentence, weight=1, topic=passage.topic, pattern=pattern)
                    found.append((self._fit(asked, Counter(_words(f"{passage.topic} {sentence}"))), fact))
        best = [fact for _, fact in sorted(found, key=lambda one: -one[0])]
        return list({fact.pattern: fact for fact in reversed(best)}.values())[::-1][:CANDIDATES]

    def _fit(self, asked: set[str], counts: Counter[str]) -> float:
        length = 0.25 + 0.75 * counts.total() / self._usual
        return sum(
            self._rarity(word) * counts[word] * 2.2 / (counts[word] + 1.2 * length) for word in asked & counts.keys()
        )

    def _rarity(self, word: str) -> float:
        return math.log(1 + (len(self._counts) + 0.5) / (self._spread[word] + 0.5))

    def _pattern(self, sentence: str, asked: set[str]) -> str:
        """What finds a sentence: its two rarest words, or one where those are far apart."""
        said = {word for word in _words(sentence) if len(word) >= SHORTEST and word not in asked}
        rare = sorted(said, key=lambda word: (-self._rarity(word), word))[:2]
        places = sorted((match.start(), word) for word in rare if (match := re.search(rf"\b{word}\b", sentence, re.I)))
        if len(places) == 2 and places[1][0] - places[0][0] - len(places[0][1]) <= APART:
            return rf"\b{places[0][1]}\b.{{0,{APART}}}\b{places[1][1]}\b"
        return rf"\b{rare[0]}\b" if places else ""


def weighted(facts: list[Fact]) -> list[Fact]:
    """The best of the admitted facts, those of a draft without a judgement of its own weighing less and less."""
    best = facts[:FACTS]
    if len({fact.weight for fact in best}) > 1:
        return best
    return [fact.model_copy(update={"weight": FACTS - at}) for at, fact in enumerate(best)]


def prompt(question: str, passages: list[Passage]) -> Prompt:
    """What a model reads to draft the facts of one question."""
    quoted = "\n\n".join(
        f"## {quote.line(passage.topic, 100)}\n{quote.quoted(passage.text, PASSAGE_CHARACTERS)}" for passage in passages
    )
    text = f"# The question\n{quote.quoted(question, 1000)}\n\n# Passages\n{quoted}"
    return Prompt((Block("rules", RULES, marked=True),), (Block("question", text),))


def facts_in(answer: Answer) -> list[Fact] | str:
    """The facts that a model drafted, or why there are none, in words for the model."""
    if answer.stop != "done" or answer.call is None:
        return f"there are no facts; call {TOOL.name} once"
    if answer.call.problem:
        return answer.call.problem
    try:
        return _Facts.model_validate(answer.call.input).facts[:CANDIDATES]
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, found['loc']))}: {found['msg']}" for found in error.errors()[:5])
        return f"the input of {TOOL.name} is not as its schema says: {'; '.join(wrong)}"


def _sentences(text: str) -> Iterator[str]:
    for sentence in _BREAK.split(text):
        if (
            len(sentence) in SENTENCE
            and sentence.isprintable()
            and sentence.endswith((".", ".)"))
            and "***" not in sentence
        ):
            yield sentence


def _asked(question: str) -> set[str]:
    return set(_words(question)) - ASKING


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z_][a-z0-9_]+", text.lower())
