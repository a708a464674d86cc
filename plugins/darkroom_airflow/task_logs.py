"""How a task ends in its log: an expected end is a sentence, and no traceback of Airflow's own frames."""

import sys
from typing import Any

import structlog
from airflow.sdk.exceptions import AirflowException, AirflowFailException


class Refused(AirflowFailException):
    """The task fails for good, for a reason that is known: the next try would hear the same."""


class Crashed(AirflowException):
    """The task's worker ended in its middle, for a reason that is known: the next try goes on from there."""


def refused(text: str) -> Refused:
    """The end of a task for good, to be raised: its text is all that the log shows of it."""
    _keep_out_tracebacks()
    return Refused(text)


def crashed(text: str) -> Crashed:
    """The same of an end that another try can mend."""
    _keep_out_tracebacks()
    return Crashed(text)


def without_traceback(logger: Any, method: str, event: dict[str, Any]) -> dict[str, Any]:
    """A processor of structlog's: the text of an expected end in the place of `Task failed with exception`."""
    error = sys.exc_info()[1] if event.get("exc_info") is True else None
    if isinstance(error, Refused | Crashed):
        del event["exc_info"]
        event["event"] = str(error)
    return event


def _keep_out_tracebacks() -> None:
    """Airflow logs what a task raises by `log.exception`, and loggers that were used once keep this very list."""
    processors = structlog.get_config()["processors"]
    if without_traceback not in processors:
        processors.insert(0, without_traceback)
