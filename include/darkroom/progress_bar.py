"""The bar that long work shows on a terminal."""

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.text import Text

from darkroom.progress import human_rate


def bar(as_bytes: bool) -> Progress:
    """A bar of rich's, of bytes or of items, on the error stream."""
    amount = (DownloadColumn(), TransferSpeedColumn()) if as_bytes else (MofNCompleteColumn(), RateColumn())
    columns = (TextColumn("{task.description}"), BarColumn(), *amount, TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True))


class RateColumn(ProgressColumn):
    """Items a second."""

    def render(self, task: Task) -> Text:
        """The rate as text, empty until it is known."""
        return Text(human_rate(task.speed) if task.speed else "", style="progress.data.speed")
