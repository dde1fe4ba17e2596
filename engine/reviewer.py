"""A second model that reads all of a run's history and says what it makes of an experiment: advice, never a verdict."""

from .books import Books
from .config import RunConfig
from .journal import Journal
from .state import Experiment
from .task import Task


class Reviewer:
    """Reviews experiments with a model."""

    def __init__(self, *, task: Task, config: RunConfig, journal: Journal, books: Books) -> None:
        """The reviewer that the run's settings name."""
        self._task, self._config, self._journal, self._books = task, config, journal, books

    async def review(self, experiment: Experiment) -> None:
        """Ask the model about a settled experiment, and write down what it says."""
