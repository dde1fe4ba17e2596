import re


def validate_email(address: str) -> bool:
    return re.match(r"[a-z]+@[a-z]+[.][a-z]+", address) is not None
