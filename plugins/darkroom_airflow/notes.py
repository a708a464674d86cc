"""What became of a run is said where its person is: in the note on the run's page, which opens after *Trigger*.

The listeners run in the scheduler, in the transaction that ends the run, and so can do what a task cannot.
"""

from collections.abc import Sequence
from typing import Any

from airflow.listeners import hookimpl

from darkroom_airflow.xcoms import COLLECT, PLAN, PROBLEMS, REPORT, RESULT, bullets

_REFUSED, _RESULT = "Refused: ", "Result: "
"""How such a note begins."""
_LONGEST = 1000
"""Characters of a note, as Airflow's database has it."""
# it is Markdown, and what a name brings along shall be no link and no picture from elsewhere
_PLAIN = str.maketrans("[]<>", "()‹›")


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    """Note what the run was refused for, or what became of it."""
    _note(dag_run)


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:
    """Note what became of the run; one that was cleared and then succeeded was refused for nothing."""
    _note(dag_run)


def run_note(standing: str | None, problems: Sequence[str], result: str = "") -> str | None:
    r"""A run's note after its end; a person's own is never touched.

    | note that stands | refused | result | note after it |
    | --- | --- | --- | --- |
    | none, or one of these | yes | either | the refusal |
    | none, or one of these | no | yes | the result |
    | one of these | no | no | none |
    | none | no | no | none |
    | a person's | either | either | as it stands |

    >>> run_note(None, ["colours: 77 is beyond the last colour.", "lengths: there is no Tea."])
    'Refused: colours: 77 is beyond the last colour.\n\n- lengths: there is no Tea.'
    >>> run_note("Refused: lengths: there is no Tea.", [], "36 pictures: 36 done.")
    'Result: 36 pictures: 36 done.'
    >>> run_note("asked Ann about it", ["colours: 77 is beyond the last colour."])
    'asked Ann about it'
    """
    if standing and not standing.startswith((_REFUSED, _RESULT)):
        return standing
    if problems:
        # the page shows the first line, and the rest at a click, as Markdown
        first, *others = problems
        note = f"{_REFUSED}{first}" + (f"\n\n{bullets(others)}" if others else "")
    elif result:
        note = f"{_RESULT}{result.translate(_PLAIN)}"
    else:
        return None
    return note if len(note) <= _LONGEST else f"{note[: _LONGEST - 3]}..."


def _note(dag_run: Any) -> None:
    # a listener has no other way to a run's XComs: it runs in no task, and the REST API is for people
    from airflow.models.xcom import XComModel
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return

    def told(key: str, *tasks: str) -> Any:
        of_run = {"run_id": dag_run.run_id, "dag_ids": dag_run.dag_id}
        found = session.scalars(XComModel.get_many(**of_run, task_ids=tasks, key=key, limit=1)).first()
        return XComModel.deserialize_value(found) if found else None

    note = run_note(dag_run.note, told(PROBLEMS, COLLECT, PLAN) or [], told(RESULT, REPORT) or "")
    if note is not None:
        dag_run.note = note
    elif dag_run.dag_run_note:
        session.delete(dag_run.dag_run_note)
