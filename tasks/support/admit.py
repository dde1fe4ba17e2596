"""Say which proposed questions may enter the suite: well-formed, new, and with facts that the knowledge base supports.

The oracle is the knowledge base: a fact's pattern has to be found in the topic that it names, and neither in the question nor in so
many topics that it says nothing. One line of JSON is printed for each proposed test.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import rubric
from knowledge import knowledge

QUESTION = range(10, 301)
SENTENCE = range(8, 301)
FACTS = range(1, 7)
WEIGHTS = range(1, 6)
COMMON = 0.5
"""A pattern that is found in more than this share of all topics is not about one of them."""
SAME = 0.75
"""Two questions are one when they share this much of their words."""


class NotAdmitted(Exception):
    """The message is the reason."""


class Oracle:
    """The knowledge base, and the questions that are there already."""

    def __init__(self, suite: list[dict[str, Any]]) -> None:
        self._topics = {name: rubric.plain(text) for name, text in knowledge().items()}
        self._words = [words(test["input"]) for test in suite]
        self._facts = {patterns(test["expected"]) for test in suite}

    def admit(self, test: object) -> dict[str, Any]:
        """A test in its canonical form; from then on it is there already."""
        if not isinstance(test, dict) or not {"input", "expected"} <= set(test):
            raise NotAdmitted("a test has an input, which is the question, and what is expected, which are facts")
        question, facts = test["input"], test["expected"]
        if not isinstance(question, str) or len(question) not in QUESTION or not question.isprintable():
            raise NotAdmitted(f"a question is one line of {QUESTION[0]} to {QUESTION[-1]} characters")
        if not isinstance(facts, list) or len(facts) not in FACTS:
            raise NotAdmitted(f"a question expects {FACTS[0]} to {FACTS[-1]} facts")
        found = [self._fact(fact, question) for fact in facts]
        self._new(question, found)
        self._relevant(question, found)
        self._words.append(words(question))
        self._facts.add(patterns(found))
        return {"input": question, "expected": found}

    def _fact(self, fact: object, question: str) -> dict[str, Any]:
        if not isinstance(fact, dict) or set(fact) != {"fact", "weight", "topic", "pattern"}:
            raise NotAdmitted("a fact has a fact, a weight, a topic and a pattern, and nothing else")
        sentence, weight, topic, pattern = fact["fact"], fact["weight"], fact["topic"], fact["pattern"]
        if not isinstance(sentence, str) or len(sentence) not in SENTENCE or not sentence.isprintable():
            raise NotAdmitted(f"a fact is a sentence of {SENTENCE[0]} to {SENTENCE[-1]} characters")
        if type(weight) is not int or weight not in WEIGHTS:
            raise NotAdmitted(f"a weight is a whole number from {WEIGHTS[0]} to {WEIGHTS[-1]}")
        if not isinstance(topic, str) or topic not in self._topics:
            raise NotAdmitted(f"there is no topic {str(topic)[:60]!r}")
        if not isinstance(pattern, str):
            raise NotAdmitted("a pattern is a text")
        if why := rubric.problem(pattern):
            raise NotAdmitted(f"the pattern {pattern[:60]!r} {why}")
        if not rubric.holds(fact, self._topics[topic]):
            raise NotAdmitted(f"{pattern!r} is not found in the topic {topic!r}, so nothing supports that fact")
        if rubric.holds(fact, rubric.plain(question)):
            raise NotAdmitted(f"{pattern!r} is found in the question, so whoever repeats it has answered")
        common = sum(rubric.holds(fact, text) for text in self._topics.values())
        if common > COMMON * len(self._topics):
            raise NotAdmitted(f"{pattern!r} is found in {common} of {len(self._topics)} topics, so it says nothing")
        return {"fact": sentence, "weight": weight, "topic": topic, "pattern": pattern}

    def _new(self, question: str, facts: list[dict[str, Any]]) -> None:
        asked = words(question)
        if any(len(asked & other) >= SAME * len(asked | other) for other in self._words):
            raise NotAdmitted("there is such a question already")
        if len({fact["pattern"] for fact in facts}) < len(facts):
            raise NotAdmitted("two facts have the same pattern")
        if patterns(facts) in self._facts:
            raise NotAdmitted("there is a question with these facts already")

    def _relevant(self, question: str, facts: list[dict[str, Any]]) -> None:
        for topic in {fact["topic"] for fact in facts}:
            if not words(question) & words(f"{topic} {self._topics[topic]}"):
                raise NotAdmitted(f"no word of the question stands in the topic {topic!r}, so nobody could find it")


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9_]{4,}", text.lower()))


def patterns(facts: list[dict[str, Any]]) -> frozenset[str]:
    return frozenset(fact["pattern"].lower() for fact in facts)


def main() -> None:
    oracle = Oracle(json.loads(Path(os.environ.get("LOOPWATCH_SUITE", "cases.json")).read_text(encoding="utf-8")))
    for test in json.loads(Path(os.environ["LOOPWATCH_TESTS"]).read_text(encoding="utf-8")):
        try:
            print(json.dumps({"ok": True, **oracle.admit(test)}))
        except NotAdmitted as reason:
            print(json.dumps({"ok": False, "reason": str(reason)}))


if __name__ == "__main__":
    main()
