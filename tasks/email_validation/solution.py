"""Tell whether a string is an address that mail can be sent to: a Mailbox of RFC 5321 §4.1.2, with RFC 6531.

Everything here may be edited, and the standard library used. What the outside relies on is
`is_valid(address: str) -> bool`, which answers at once for any string, and always the same.
"""

import re

# What each part may be made of.
LOCAL = r"[a-zA-Z0-9._+-]+"
LABEL = r"[a-zA-Z0-9_-]+"
LITERAL = r"\[IPv6:[a-fA-F0-9.:]+\]|\[[0-9.]+\]"
QUOTED = r'"[a-zA-Z0-9 ]*"'

LONGEST_ADDRESS = 320
LONGEST_LOCAL = 128
LONGEST_LABEL = 128
FEWEST_LABELS = 2

ALLOW_QUOTED = False
ALLOW_LITERAL = False
ALLOW_OUTER_DOTS = False
ALLOW_DOUBLE_DOTS = True
ALLOW_OUTER_HYPHENS = True
ALLOW_NUMERIC_TOP = True


def is_local(local: str) -> bool:
    if len(local) > LONGEST_LOCAL:
        return False
    if ALLOW_QUOTED and re.match(QUOTED, local):
        return True
    if not ALLOW_OUTER_DOTS and (local.startswith(".") or local.endswith(".")):
        return False
    if not ALLOW_DOUBLE_DOTS and ".." in local:
        return False
    return re.fullmatch(LOCAL, local) is not None


def is_label(label: str) -> bool:
    if len(label) > LONGEST_LABEL:
        return False
    if not ALLOW_OUTER_HYPHENS and (label.startswith("-") or label.endswith("-")):
        return False
    return re.fullmatch(LABEL, label) is not None


def is_domain(domain: str) -> bool:
    if ALLOW_LITERAL and re.fullmatch(LITERAL, domain):
        return True
    labels = domain.split(".")
    if len(labels) < FEWEST_LABELS:
        return False
    if not ALLOW_NUMERIC_TOP and labels[-1].isdigit():
        return False
    return all(is_label(label) for label in labels)


def is_valid(address: str) -> bool:
    if len(address) > LONGEST_ADDRESS:
        return False
    local, _, domain = address.partition("@")
    return is_local(local) and is_domain(domain)
