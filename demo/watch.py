"""A run's progress in the terminal: a bar where there is one, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from demo.rest import AirflowApi

console = Console(highlight=False)

FINISHED = ("success", "failed")
_STEPS = ("collect", "plan", "approve", "run", "settle", "report")
_ENDED = ("success", "failed", "skipped", "upstream_failed", "removed")
_LINE_SECONDS = 5.0


class Standing(NamedTuple):
    """How far a run is."""

    state: str
    step: str
    """The first task that has not ended."""
    done: int
    total: int
    made: str
    """What there is by now, such as `1,250 pictures`."""


@contextmanager
def steps() -> Iterator[Callable[[str], None]]:
    """A function that says what is under way: beside a spinner, or as a line when it changes."""
    if not console.is_terminal:
        yield _Lines().say
        return
    with console.status("") as status:
        yield lambda text: status.update(f"{text} ...")


def watch(api: AirflowApi, dag_id: str, run_id: str, made: Callable[[], str], check: Callable[[], None]) -> str:
    """Show a run until it ends; returns its state.

    `made` says what there is by now, `check` is called now and then: has the studio itself died?
    """
    show = _bar if console.is_terminal else _lines
    with show() as update:
        while True:
            standing = look(api, dag_id, run_id, made())
            update(standing)
            if standing.state in FINISHED:
                return standing.state
            check()
            time.sleep(1)


def look(api: AirflowApi, dag_id: str, run_id: str, made: str) -> Standing:
    """How far a run is now."""
    state = api.run_state(dag_id, run_id)
    tasks = api.tasks(dag_id, run_id)
    open_ = {task["task_id"] for task in tasks if task["state"] not in _ENDED}
    step = next((name for name in _STEPS if name in open_), _STEPS[-1])
    # until plan has mapped it, `run` is one instance without an index
    jobs = [task["state"] in _ENDED for task in tasks if task["task_id"] == "run" and task["map_index"] >= 0]
    return Standing(state, step, sum(jobs), len(jobs), made)


@contextmanager
def _bar() -> Iterator[Callable[[Standing], None]]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description:8}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.fields[jobs]} jobs, {task.fields[made]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("plan", total=None, jobs="?", made="")

        def update(now: Standing) -> None:
            jobs = str(now.total or "?")
            progress.update(
                bar, description=now.step, completed=now.done, total=now.total or None, jobs=jobs, made=now.made
            )

        yield update


@contextmanager
def _lines() -> Iterator[Callable[[Standing], None]]:
    lines = _Lines(_LINE_SECONDS)
    yield lambda now: lines.say(f"{now.step}: {now.done} of {now.total or '?'} jobs, {now.made}")


class _Lines:
    """Says a line when it differs from the last one, and not more often than every so many seconds."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds, self._last, self._said = seconds, "", float("-inf")

    def say(self, text: str) -> None:
        if text != self._last and time.monotonic() - self._said >= self._seconds:
            self._last, self._said = text, time.monotonic()
            console.print(text, markup=False, soft_wrap=True)
