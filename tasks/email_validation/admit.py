"""Say of each proposed test whether it may enter the suite. The oracle is the library `email-validator`.

A test is admitted when it has the form of a test, the library and the claim agree, the standards leave no doubt
(`undecided` lists where they do), and the suite has none like it. Only syntax is looked at; nothing is asked of
the network. Not covered: a mistake that library and claim have in common.
"""

import ipaddress
import json
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

from email_validator import EmailNotValidError, validate_email

LONGEST_ADDRESS = 400
LONGEST_WHY = 300
# Of an internationalised address the standards count octets of one form, the library of three.
LONGEST_INTERNATIONAL = 200
RESERVED = ("arpa", "invalid", "local", "localhost", "onion", "test")


class Refused(Exception):
    """The test may not enter; the message is the reason."""


def oracle(address: str) -> str:
    """What is wrong with an address; "" when it is valid."""
    try:
        validate_email(
            address,
            strict=True,  # RFC 5321 §4.5.3.1.1 limits the local part; the library's default does not
            allow_quoted_local=True,  # RFC 5321 §4.1.2
            allow_domain_literal=True,  # RFC 5321 §4.1.3
            allow_smtputf8=True,  # RFC 6531 §3.3
            allow_empty_local=False,
            allow_display_name=False,  # RFC 5322 §3.4, but no Mailbox of RFC 5321
            check_deliverability=False,
        )
    except EmailNotValidError as problem:
        return str(problem)
    return ""


def undecided(address: str) -> str:
    """Why the standards and the library may differ about an address; "" when they do not."""
    local, _, domain = address.rpartition("@")
    last = domain.rpartition(".")[2].lower()
    if not local.isascii():
        categories = [unicodedata.category(c) for c in local if not c.isascii()]
        # RFC 6531 §3.3 lets any of them pass; to the library they are unsafe.
        if any(category[0] in "CZ" for category in categories):
            return "characters beyond ASCII that cannot be seen"
        if re.search(r"\\[^ -~]", local):
            return "a backslash before a character beyond ASCII"
    if any(unicodedata.category(after)[0] == "M" for after in re.findall(r'(?:^|[@"<.])(.)', address)):
        return "a combining mark with nothing to combine with"
    if local == '""':
        return "a local part of two quotes with nothing in them: RFC 5321 §4.1.2 allows it, hardly anybody else does"
    if local.startswith('"') and len(local) > 64:
        return "whether quotes and backslashes count for the 64 octets of a local part"
    if not local.isascii() and len(local.encode("utf-8", "replace")) > 64:
        return "whether the 64 of a local part are octets or characters"
    if not address.isascii() and len(address.encode("utf-8", "replace")) > LONGEST_INTERNATIONAL:
        return "how the octets of a long internationalised address are counted"
    if last in RESERVED:
        return f"names below .{last} are reserved, which is policy and not syntax"
    if re.fullmatch(r"(?=.*[a-z])[a-z0-9-]*[0-9]", last) and not last.startswith("xn--"):
        return "a top-level domain that ends with a digit: none does, no standard forbids it"
    if not domain.isascii() and _mapped(domain) != domain:
        return "a domain that has to be mapped (RFC 5895) before it is one of U-labels"
    return _undecided_literal(domain[1:-1]) if domain.startswith("[") and domain.endswith("]") else ""


def _mapped(domain: str) -> str:
    return unicodedata.normalize("NFKC", domain).lower().replace("。", ".").replace("．", ".")


def _undecided_literal(content: str) -> str:
    numbers = re.split(r"[.:]", content)
    if re.search(r"\d\.\d", content) and any(re.fullmatch(r"0\d+", number) for number in numbers):
        return "zeros in front of a number: RFC 5321 §4.1.3 allows them, to most software they are octal"
    if content[:5].lower() != "ipv6:" or "::" not in content:
        return ""
    try:
        ipaddress.IPv6Address(content[5:])
    except ValueError:
        return ""
    groups = len([group for group in content[5:].split(":") if group]) + content.count(".") // 3
    return "a :: for a single group: RFC 5321 §4.1.3 wants two at least" if groups > 6 else ""


def shape(address: str) -> str:
    """What two addresses have in common that are the same in substance.

    Which letters and digits they have does not matter, unless they spell something: a literal, a tag, an A-label.
    """
    normal = unicodedata.normalize("NFC", address)
    local, at, domain = normal.rpartition("@")
    domain = domain.lower()
    local = re.sub(r"\d", "0", re.sub(r"[A-Za-z]", "a", local))
    if "[" not in domain and "xn--" not in domain:
        domain = re.sub(r"\d", "0", re.sub(r"[a-z]", "a", domain))
    return local + at + domain


def checked(test: Any) -> tuple[str, bool]:
    """The address and the claim of a proposed test."""
    if not isinstance(test, dict) or not isinstance(test.get("input"), str):
        raise Refused('malformed: a test is {"input": an address, "expected": true or false, "why": a sentence}')
    if type(test.get("expected")) is not bool:
        raise Refused("malformed: expected must be true or false")
    if not isinstance(test.get("why", ""), str) or len(test.get("why", "")) > LONGEST_WHY:
        raise Refused(f"malformed: why must be a sentence of at most {LONGEST_WHY} characters")
    address = test["input"]
    if len(address) > LONGEST_ADDRESS:
        raise Refused(f"too long: {len(address):,} characters; {LONGEST_ADDRESS} are enough to pass any limit")
    if any(unicodedata.category(c) == "Cs" for c in address):
        raise Refused("malformed: the address holds half of a surrogate pair")
    return address, test["expected"]


def admitted(test: Any, known: set[str]) -> dict[str, Any]:
    """The test in its canonical form, remembered in `known`."""
    address, expected = checked(test)
    if shape(address) in known:
        raise Refused("duplicate: the suite has an address that differs in no more than letters, digits or case")
    if doubt := undecided(address):
        raise Refused(f"undecided: {doubt}")
    problem = oracle(address)
    if expected and problem:
        raise Refused(f"contradicted: expected to be valid, but the oracle says: {problem}")
    if not expected and not problem:
        raise Refused("contradicted: expected to be invalid, but the oracle finds nothing wrong with it")
    known.add(shape(address))
    return {"ok": True, "input": address, "expected": expected}


def answer(test: Any, known: set[str]) -> dict[str, Any]:
    try:
        return admitted(test, known)
    except Refused as reason:
        return {"ok": False, "reason": str(reason)}


def main() -> None:
    suite = json.loads(Path(os.environ.get("LOOPWATCH_SUITE", "cases.json")).read_text(encoding="utf-8"))
    known = {shape(test["input"]) for test in suite}
    for test in json.loads(Path(os.environ["LOOPWATCH_TESTS"]).read_text(encoding="utf-8")):
        print(json.dumps(answer(test, known)), flush=True)


if __name__ == "__main__":
    main()
