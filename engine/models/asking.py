"""Asking a model: money first, then the request, then as many more as it takes. No wait is silent.

Trouble that passes is waited for, longer each time, up to the settings' longest wait and number of attempts. A limit that says
when it ends is waited for however long it takes. Trouble that does not pass ends the turn, each kind in its own words.
"""

from ..errors import ProposerFailed
from ..turn import Line
from . import AgentSettings, Answer, Model, Talk, Tool


async def ask(model: Model, talk: Talk, tool: Tool, line: Line, settings: AgentSettings) -> Answer:
    """One answer; ProposerFailed with its outcome when there is none."""
    raise ProposerFailed(f"{model.name} cannot be asked yet", "unavailable")
