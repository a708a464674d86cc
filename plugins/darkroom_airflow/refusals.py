"""What no second try can mend."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.sdk.exceptions import AirflowFailException

from darkroom.errors import BadInput, DarkroomError, Unavailable
from darkroom_airflow.xcoms import PROBLEMS, bullets, sentences


def refusal(error: DarkroomError) -> list[str] | None:
    """Why the library says no, a sentence each; nothing when that was only a store out of reach."""
    if isinstance(error, BadInput):
        return sentences(error.problems)
    return None if isinstance(error, Unavailable) else sentences([str(error)])


@contextmanager
def refusals_are_final(ti: Any = None) -> Iterator[None]:
    """Bad input fails the task for good, with its sentences, which `ti` passes on: the next try would hear the same."""
    try:
        yield
    except BadInput as error:
        problems = sentences(error.problems)
        if ti is not None:
            ti.xcom_push(PROBLEMS, problems)
        raise AirflowFailException(bullets(problems)) from None
