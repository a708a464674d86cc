"""What no second try can mend."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from darkroom.errors import BadInput, Busy, DarkroomError, Unavailable
from darkroom_airflow.task_logs import refused
from darkroom_airflow.xcoms import NOT_DONE, PROBLEMS, bullets, sentences


def refusal(error: DarkroomError) -> list[str] | None:
    """Why the library says no, a sentence each; nothing when another try may do, as of a store out of reach."""
    if isinstance(error, BadInput):
        return sentences(error.problems)
    return None if isinstance(error, Unavailable | Busy) else sentences([str(error)])


@contextmanager
def refusals_are_final() -> Iterator[None]:
    """Bad input fails the task for good, with its sentences: the next try would hear the same."""
    try:
        yield
    except BadInput as error:
        raise refused(bullets(sentences(error.problems))) from None


@contextmanager
def refusals_are_told(ti: Any) -> Iterator[None]:
    """Pass on why there can be no plan, for the report and the alert; bad input fails the task for good.

    A store or service that is out of reach, or another run at work on the same, is worth another try, which forgets
    what this one said.
    """
    try:
        yield
    except DarkroomError as error:
        ti.xcom_push(PROBLEMS, sentences(error.problems if isinstance(error, BadInput) else [str(error)]))
        if problems := refusal(error):
            raise refused(f"{NOT_DONE}\n{bullets(problems)}") from None
        raise
