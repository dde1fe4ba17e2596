"""Propose addresses that the present solution may judge wrong, each with a claim and the rule it is made from. Needs no model.

Valid and invalid take turns, so that neither answer pays. RULES makes addresses from the grammar: each rule is a paragraph of a
standard, and builds what that paragraph allows or forbids. BREAKS changes a valid address of the suite so that it becomes invalid by
one rule. Paragraphs that the present solution already fails come more often. The oracle is not asked: what it says of a claim, the
suite's door finds out.
"""

import random
from collections import Counter

ATEXT = "abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~"
SPECIALS = '()<>,;:\\[]" '
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SCRIPTS = ("äöüéñçøå", "αβγδεζηθ", "абвгдежз", "あいうえおかき", "가나다라마바")
SYMBOLS = "☃☀✓♫⚑"
BROKEN = 0.4
"""So many of the invalid ones are broken cases of the suite, and the others come from the grammar."""
FAILED_COUNTS = 4
"""How much more often a paragraph comes for each of its cases that the solution fails."""
TRIES = 50
"""Per test that is wanted: what was proposed before is not proposed again."""


def propose_tests(task, ask):
    chance = random.Random(f"{task['seed']}/{task.get('experiment', 0)}/{len(task['tests'])}")
    failed = Counter(paragraph(test.get("why", "")) for test in task["failed"])
    valid = [test["input"] for test in task["tests"] if test["expected"] is True]
    taken = {test["input"] for test in [*task["tests"], *task["failed"]]}
    proposed = []
    for _ in range(TRIES * task["wanted"]):
        if len(proposed) == task["wanted"]:
            break
        expected = len(proposed) % 2 == 0
        if not expected and valid and chance.random() < BROKEN:
            make, why = chance.choice(BREAKS)
            address = make(chance, chance.choice(valid))
        else:
            rules = [rule for rule in RULES if rule[2] is expected]
            weights = [1 + FAILED_COUNTS * failed[paragraph(why)] for _, why, _ in rules]
            make, why, _ = chance.choices(rules, weights)[0]
            address = make(chance)
        if address and address not in taken:
            taken.add(address)
            proposed.append({"input": address, "expected": expected, "why": why})
    return proposed


def paragraph(why):
    """What a reason begins with: RFC 5321 §4.1.2."""
    return why.partition(":")[0]


def word(chance, letters=LETTERS, shortest=1, longest=9):
    return "".join(chance.choice(letters) for _ in range(chance.randint(shortest, longest)))


def local(chance):
    return ".".join(word(chance) for _ in range(chance.randint(1, 3)))


def domain(chance):
    return ".".join(
        [*(word(chance, LETTERS + "0123456789") for _ in range(chance.randint(1, 3))), word(chance, shortest=2)]
    )


def foreign(chance):
    return word(chance, chance.choice(SCRIPTS), 2, 7)


def in_quotes(chance):
    pieces = [*(SPECIALS.replace("\\", "").replace('"', "")), "@", "..", '\\"', "\\\\", *ATEXT]
    return '"' + chance.choice(pieces) + "".join(chance.choice(pieces) for _ in range(chance.randint(1, 8))) + '"'


def groups(chance, count):
    return ":".join(f"{chance.randrange(1, 2**16):x}" for _ in range(count))


def ipv4(chance, count=4):
    return ".".join(str(chance.randrange(256)) for _ in range(count))


def to_length(chance, total):
    """An address of so many characters whose parts are all short enough."""
    head, rest = word(chance, shortest=1, longest=60) + "@", "." + word(chance, shortest=2, longest=6)
    room = total - len(head) - len(rest)
    labels = []
    while room > 63:
        labels.append(word(chance, shortest=40, longest=40))
        room -= 41
    return head + ".".join([*labels, "x" * room]) + rest if room > 0 else ""


RULES = (
    (lambda c: f"{word(c, ATEXT, 2, 12)}@{domain(c)}", "RFC 5322 §3.2.3: an atom of any atext", True),
    (lambda c: f"{word(c)}.{word(c, ATEXT)}@{domain(c)}", "RFC 5322 §3.2.3: atoms of any atext, with a dot", True),
    (lambda c: f"{word(c)}{c.choice(SPECIALS)}{word(c)}@{domain(c)}", "RFC 5322 §3.2.3: a special outside of quotes", False),
    (lambda c: f"{in_quotes(c)}@{domain(c)}", "RFC 5321 §4.1.2: anything that prints, in quotes", True),
    (lambda c: f'"{word(c)}"{word(c)}@{domain(c)}', "RFC 5321 §4.1.2: an atom follows the quotes", False),
    (lambda c: f'"{word(c)}"{word(c)}"@{domain(c)}', "RFC 5321 §4.1.2: a quote in quotes without a backslash", False),
    (lambda c: f'"{word(c)}\\"@{domain(c)}', "RFC 5321 §4.1.2: the closing quote is escaped", False),
    (lambda c: f"{word(c)}@{domain(c)}@{domain(c)}", "RFC 5321 §4.1.2: a second @", False),
    (lambda c: f"{word(c)}@{word(c)}.{c.randrange(10**6)}", "RFC 3696 §2: all digits at the top", False),
    (lambda c: f"{word(c)}@{c.randrange(10**4)}.{domain(c)}", "RFC 1123 §2.1: a label that is all digits, below the top", True),
    (lambda c: f"{word(c)}@{word(c, shortest=5)}", "RFC 5321 §2.3.5: one label is not fully qualified", False),
    (lambda c: f"{word(c, shortest=64, longest=64)}@{domain(c)}", "RFC 5321 §4.5.3.1.1: 64 octets before the @", True),
    (lambda c: f"{word(c, shortest=65, longest=70)}@{domain(c)}", "RFC 5321 §4.5.3.1.1: more than 64 octets before the @", False),
    (lambda c: f"{word(c)}@{word(c, shortest=60, longest=63)}.{domain(c)}", "RFC 1035 §2.3.4: at most 63 octets in a label", True),
    (lambda c: f"{word(c)}@{word(c, shortest=64, longest=68)}.{domain(c)}", "RFC 1035 §2.3.4: more than 63 octets in a label", False),
    (lambda c: to_length(c, 254), "RFC 5321 §4.5.3.1.3: 254 octets in all", True),
    (lambda c: to_length(c, c.randint(255, 260)), "RFC 5321 §4.5.3.1.3: more than 254 octets in all", False),
    (lambda c: f"{word(c)}@[{ipv4(c)}]", "RFC 5321 §4.1.3: an IPv4 literal", True),
    (lambda c: f"{word(c)}@[{ipv4(c, c.choice((2, 3, 5)))}]", "RFC 5321 §4.1.3: not four numbers", False),
    (lambda c: f"{word(c)}@[{ipv4(c, 3)}.{c.randint(256, 999)}]", "RFC 5321 §4.1.3: a number above 255", False),
    (lambda c: f"{word(c)}@[IPv6:{groups(c, 8)}]", "RFC 5321 §4.1.3: eight groups", True),
    (lambda c: f"{word(c)}@[IPv6:{groups(c, c.choice((7, 9)))}]", "RFC 5321 §4.1.3: seven or nine groups", False),
    (lambda c: f"{word(c)}@[IPv6:{groups(c, c.randint(1, 3))}::{groups(c, 2)}]", "RFC 5321 §4.1.3: groups left out once", True),
    (lambda c: f"{word(c)}@[IPv6:{groups(c, 1)}::{groups(c, 2)}::{groups(c, 1)}]", "RFC 5321 §4.1.3: groups left out twice", False),
    (lambda c: f"{word(c)}@[IPv6:{groups(c, 6)}:{ipv4(c)}]", "RFC 5321 §4.1.3: six groups and an IPv4 address", True),
    (lambda c: f"{word(c)}@[{groups(c, 8)}]", "RFC 5321 §4.1.3: IPv6 without its tag", False),
    (lambda c: f"{foreign(c)}@{domain(c)}", "RFC 6531 §3.3: letters beyond ASCII before the @", True),
    (lambda c: f"{word(c)}@{foreign(c)}.{word(c, shortest=2)}", "RFC 6531 §3.3: letters beyond ASCII behind the @", True),
    (lambda c: f'"{foreign(c)} {foreign(c)}"@{domain(c)}', "RFC 6531 §3.3: letters beyond ASCII in quotes", True),
    (lambda c: f"{c.choice(SYMBOLS)}{word(c)}@{domain(c)}", "RFC 6531 §3.3: a symbol before the @", True),
    (lambda c: f"{word(c)}@{c.choice(SYMBOLS)}{word(c)}.{domain(c)}", "RFC 5892 §2: a symbol behind the @", False),
    (lambda c: f"{word(c)}@{word(c, shortest=2, longest=2)}--{word(c)}.{domain(c)}", "RFC 5890 §2.3.1: hyphens third and fourth", False),
    (lambda c: f"{word(c)}@{word(c, shortest=3)}--{word(c)}.{domain(c)}", "RFC 5890 §2.3.1: two hyphens further back", True),
)  # fmt: skip
"""How an address is made, the reason for the claim, and the claim: whether it is valid."""


def around_at(chance, address, before="", after=""):
    head, _, tail = address.rpartition("@")
    return f"{head}{before}@{after}{tail}"


BREAKS = (
    (lambda c, a: around_at(c, a, before=" "), "RFC 5321 §4.1.2: a space before the @"),
    (lambda c, a: around_at(c, a, after=c.choice(" .-_")), "RFC 5321 §4.1.2: a domain does not begin so"),
    (lambda c, a: around_at(c, a, before=c.choice("@;,:<>")), "RFC 5321 §4.1.2: a local part does not end so"),
    (lambda c, a: c.choice(" .@<(") + a, "RFC 5321 §4.1.2: an address does not begin so"),
    (lambda c, a: a + c.choice(" .-_@>)\n\t"), "RFC 5321 §4.1.2: an address does not end so"),
    (lambda c, a: a.replace("@", ""), "RFC 5321 §4.1.2: the @ is left out"),
    (lambda c, a: f"{word(c).title()} <{a}>", "RFC 5322 §3.4: a name and brackets are no part of an address"),
    (lambda c, a: f"{a}({word(c)})", "RFC 5321 §4.1.2: comments are RFC 5322's"),
    (lambda c, a: a.rpartition("@")[2], "RFC 5321 §4.1.2: the local part is left out"),
)
"""How a valid address becomes invalid, and by which rule."""
