"""What ways of answering score at the support task: the figures of its README.

    python benchmarks/support_ladder.py

Each way is scored on the frozen suite and on the hidden one, with this Python's own knowledge base, in this process.
"""

import json
import math
import re
import sys
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

TASK = Path(__file__).resolve().parent.parent / "tasks" / "support"
sys.path.insert(0, str(TASK))

Way = Callable[[dict[str, Any]], str]
_STOP_WORDS = """
    how do i the a an is of to in my that what does for and when it be can so on by with one are at its has have me make which why was
    between from not this
"""
_ENDINGS = "ations ation ingly edly ings ing ies ied ers ed es er ly s e"
STOP_WORDS, ENDINGS = frozenset(_STOP_WORDS.split()), tuple(_ENDINGS.split())


def plain_words(text: str) -> list[str]:
    return re.findall(r"[a-z_]{2,}", text.lower())


def stems(text: str) -> list[str]:
    return [_stem(word) for word in plain_words(text) if word not in STOP_WORDS]


def _stem(word: str) -> str:
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word


class Index:
    """Texts, ranked by BM25."""

    def __init__(self, texts: list[str], words: Callable[[str], list[str]]) -> None:
        self._words, self._counts = words, [Counter(words(text)) for text in texts]
        self._spread = Counter(word for counts in self._counts for word in counts)
        self._usual = sum(counts.total() for counts in self._counts) / len(self._counts)

    def fits(self, question: str) -> list[float]:
        asked = set(self._words(question))
        return [sum(self._weight(word, counts) for word in asked & counts.keys()) for counts in self._counts]

    def _weight(self, word: str, counts: Counter[str]) -> float:
        many, spread = len(self._counts), self._spread[word]
        rarity = math.log(1 + (many - spread + 0.5) / (spread + 0.5))
        return rarity * counts[word] * 2.2 / (counts[word] + 1.2 * (0.25 + 0.75 * counts.total() / self._usual))


def ways(base: dict[str, str]) -> dict[str, Way]:
    answer = import_module("solution").answer
    parts = [(topic, part) for topic, text in base.items() for part in re.split(r"\n\n+", text) if len(part) > 60]
    texts = [" ".join(part.split()) for _, part in parts]
    plain = Index(texts, plain_words)
    stemmed = Index([f"{topic} {topic} {part}" for topic, part in parts], stems)
    topics = Index([f"{topic} {topic} {topic} {text[:3000]}" for topic, text in base.items()], stems)
    names = sorted({name for text in base.values() for name in re.findall(r"__\w+__", text)})

    def best(fits: list[float], count: int) -> list[int]:
        return sorted(range(len(fits)), key=lambda at: -fits[at])[:count]

    def paragraphs(count: int) -> Way:
        return lambda test: " ".join(texts[at] for at in best(plain.fits(test["input"]), count))

    def with_topics(test: dict[str, Any]) -> str:
        asked = set(stems(test["input"]))
        of_topic = dict(zip(base, topics.fits(test["input"]), strict=True))
        named = {topic: of_topic[topic] + 3 * len(asked & set(stems(topic))) for topic in base}
        fits = [fit + 0.5 * named[topic] for fit, (topic, _) in zip(stemmed.fits(test["input"]), parts, strict=True)]
        return " ".join(texts[at][:400] for at in best(fits, 10))

    def told(test: dict[str, Any]) -> str:
        right = {fact["topic"] for fact in test["expected"]}
        fits = [
            fit if topic in right else -1.0 for fit, (topic, _) in zip(stemmed.fits(test["input"]), parts, strict=True)
        ]
        return " ".join(texts[at][:400] for at in best(fits, 10) if fits[at] >= 0)

    return {
        "nothing": lambda test: "",
        "the whole knowledge base": lambda test: " ".join(base.values()),
        "all special names": lambda test: " ".join(names),
        "as shipped": lambda test: answer(test["input"], base),
        "BM25, the best paragraph": paragraphs(1),
        "BM25, the best three": paragraphs(3),
        "BM25, the best five": paragraphs(5),
        "stems, stop words, the topic's own fit": with_topics,
        "the same, told the right topics": told,
    }


def main() -> None:
    """Print a line for each way."""
    rubric, base = import_module("rubric"), import_module("knowledge")
    print(base.fingerprint())
    suites = [json.loads((TASK / name).read_text(encoding="utf-8")) for name in ("cases.json", "hidden.json")]
    for name, way in ways(base.knowledge()).items():
        scores = [[rubric.score(test["expected"], rubric.read(way(test))) for test in suite] for suite in suites]
        print(f"{name:42}", *(f"{100 * sum(found) / len(found):6.1f}" for found in scores))


if __name__ == "__main__":
    main()
