"""Claude proposes: `anthropic` or `anthropic:MODEL`. It needs a key, in ANTHROPIC_API_KEY or where keys are kept."""

from ..config import AgentSettings
from ..models import anthropic
from ..registry import DEFAULT_MODELS
from .talker import Talker


class Anthropic(Talker):
    """Proposes by the Messages API."""

    def __init__(self, argument: str, settings: AgentSettings) -> None:
        """`argument` is the model."""
        name = argument or DEFAULT_MODELS["anthropic"]
        anthropic.Anthropic(name, settings)  # what it cannot use is said before a run begins
        super().__init__(anthropic.Anthropic, name, settings)
