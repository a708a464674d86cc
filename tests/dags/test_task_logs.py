"""What the log of a task shows of its end, through the processors that Airflow logs with."""

import json
from collections.abc import Callable
from io import BytesIO

import pytest
import structlog
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.sdk.log import configure_logging

from darkroom_airflow.task_logs import crashed, refused


def logged(end: Callable[[str], Exception], text: str) -> dict[str, object]:
    """The line that Airflow writes when a task ends so: as JSON, by a logger that was used before."""
    before, into = structlog.get_config(), BytesIO()
    try:
        configure_logging(json_output=True, output=into)
        log = structlog.get_logger(logger_name="task")
        log.info("begun")
        try:
            raise end(text)
        except Exception:
            log.exception("Task failed with exception")
    finally:
        structlog.configure(**before)
    line: dict[str, object] = json.loads(into.getvalue().splitlines()[-1])
    return line


@pytest.mark.parametrize("end", [refused, crashed])
def test_an_expected_end_is_its_sentences_and_no_traceback(end: Callable[[str], Exception]) -> None:
    line = logged(end, "There is no plan:\n- it is refused.")
    assert (line["event"], line["level"]) == ("There is no plan:\n- it is refused.", "error")
    assert not line.keys() & {"exception", "error_detail", "exc_info"}


def test_an_end_that_nobody_expected_keeps_its_traceback() -> None:
    line = logged(KeyError, "x")
    assert line["event"] == "Task failed with exception"
    assert "KeyError" in json.dumps(line)
    assert line.keys() & {"exception", "error_detail"}


def test_airflow_knows_which_end_is_final() -> None:
    assert isinstance(refused("x"), AirflowFailException)
    assert isinstance(crashed("x"), AirflowException)
    assert not isinstance(crashed("x"), AirflowFailException)
