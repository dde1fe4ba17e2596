"""Any model behind an OpenAI-compatible server: `openai:MODEL`, or `openai` where the server has only one."""

from ..config import AgentSettings
from ..models.openai import OpenAI as Model
from .talker import Talker


class OpenAI(Talker):
    """Proposes with a model."""

    def __init__(self, argument: str, settings: AgentSettings) -> None:
        """ConfigError when there is no such model to begin with, or no address to ask."""
        first = Model(argument, settings)
        # Kept from one proposal to the next: each remembers what its server does not take.
        known = {first.name: first}
        super().__init__(lambda name, settings: known.setdefault(name, Model(name, settings)), first.name, settings)
