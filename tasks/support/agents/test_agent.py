"""Propose questions that the present solution answers badly. Needs no model.

A question is made of two sentences that follow each other in a topic: it names some of their words, and the facts are what else
stands there. Two in three ask about topics on which the solution failed. The same task and seed propose the same questions.
"""

import random
import re
from collections import Counter
from pydoc_data.topics import topics

EXPLORES = 3
ASKED = (
    "What should I know about {}?",
    "My code has to do with {}; what holds there?",
    "How do {} belong together?",
    "Can you explain {} to me?",
)
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z\"*])")


def propose_tests(task, ask):
    chance = random.Random(f"{task['seed']}/{task.get('experiment', 0)}/{len(task['tests'])}")
    spread = Counter(word for text in topics.values() for word in words(text))
    failed = [fact["topic"] for test in task["failed"] for fact in test["expected"] or () if fact["topic"] in topics]
    proposed, tries = [], 0
    while len(proposed) < task["wanted"] and tries < 200 * task["wanted"]:
        tries += 1
        again = failed and len(proposed) % EXPLORES
        topic = chance.choice(failed if again else sorted(topics))
        if test := question(topic, spread, chance):
            test["why"] = f"the solution failed on {topic}" if again else f"{topic} was drawn from all topics"
            proposed.append(test)
    return proposed


def question(topic, spread, chance):
    """A question about a place in a topic; None where that says too little."""
    told = [s for s in SENTENCE.split(" ".join(topics[topic].split())) if 40 <= len(s) <= 280 and "***" not in s]
    if len(told) < 2:
        return None
    at = chance.randrange(len(told) - 1)
    rare = [rarest(sentence, spread) for sentence in told[at : at + 2]]
    facts, named = [], []
    for sentence, known in zip(told[at : at + 2], rare, strict=True):
        if len(known) < 3:
            return None
        facts.append(
            {"fact": sentence, "weight": 3 - len(facts), "topic": topic, "pattern": rf"\b{re.escape(known[0])}\b"}
        )
        named += known[1:3]
    text = chance.choice(ASKED).format(" and ".join(dict.fromkeys(named)))
    if facts[0]["pattern"] == facts[1]["pattern"] or any(re.search(f["pattern"], text, re.I) for f in facts):
        return None
    return {"input": text, "expected": facts}


def rarest(sentence, spread):
    """The words of a sentence, those first that stand in the fewest topics."""
    return sorted(words(sentence), key=lambda word: (spread[word], word))


def words(text):
    return set(re.findall(r"[a-z_]{5,}", text.lower()))
