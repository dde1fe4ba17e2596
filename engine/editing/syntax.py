"""Whether code can be read at all: what cannot costs a repair, not a training."""

import warnings

from ..errors import EditRefused


def check(path: str, text: str) -> None:
    """EditRefused, with the line, when a Python file does not compile; other files are not looked at."""
    if not path.endswith(".py"):
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are about the proposed code, and go nowhere
            compile(text, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise EditRefused(f"{path} would not compile: line {error.lineno}: {error.msg}") from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise EditRefused(f"{path} would not compile: {error or type(error).__name__}") from None
