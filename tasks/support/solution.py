"""Answer questions of Python users out of the language reference.

Everything here may be edited. What the outside relies on is `answer`: it gets a question and the knowledge base, a text per
topic, and returns a text, of which only the first 1,000 characters are read.
"""

import re

# What a word of the question counts for when it stands in a topic's name, and in its text.
NAME_WEIGHT = 1.0
TEXT_WEIGHT = 0.0
# A long text holds many words by chance: its count is divided by its length to this power.
LENGTH_PENALTY = 0.0
# Shorter words say little.
SHORTEST_WORD = 2
# How many of the best topics are quoted, each with an equal share of the answer.
TOPICS = 1
# How much is quoted in all, and how much of a topic's beginning is left out.
QUOTED = 1000
LEFT_OUT = 0


def words(text: str) -> set[str]:
    return {word for word in re.findall(r"[a-z_]+", text.lower()) if len(word) >= SHORTEST_WORD}


def weight(asked: set[str], name: str, text: str) -> float:
    """How well a topic fits a question."""
    named = NAME_WEIGHT * len(asked & words(name))
    told = TEXT_WEIGHT * len(asked & words(text)) if TEXT_WEIGHT else 0.0
    return named + told / len(text) ** LENGTH_PENALTY


def answer(question: str, knowledge: dict[str, str]) -> str:
    asked = words(question)
    best = sorted(knowledge, key=lambda name: -weight(asked, name, knowledge[name]))[:TOPICS]
    share = QUOTED // TOPICS
    return " ".join(" ".join(knowledge[name].split())[LEFT_OUT : LEFT_OUT + share] for name in best)
