"""A refused request is said where its person is: in the note on the run's page, which opens after *Trigger*.

The listeners run in the scheduler, in the transaction that ends the run, and so can do what a task cannot.
"""

from collections.abc import Sequence
from typing import Any

from airflow.listeners import hookimpl

from darkroom_airflow.xcoms import COLLECT, PLAN, PROBLEMS, bullets

_OURS = "Refused: "
"""How such a note begins."""
_LONGEST = 1000
"""Characters of a note, as Airflow's database has it."""


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    """Note what the run was refused for."""
    _note(dag_run)


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:
    """A run that was cleared and then succeeded was refused for nothing."""
    _note(dag_run)


def refusal_note(standing: str | None, problems: Sequence[str]) -> str | None:
    r"""A run's note after its end; a person's own is never touched.

    | note that stands | refused | note after it |
    | --- | --- | --- |
    | none, or a refusal | yes | the refusal |
    | a refusal | no | none |
    | none | no | none |
    | a person's | either | as it stands |

    >>> refusal_note(None, ["colours: 77 is beyond the last colour.", "lengths: there is no Tea."])
    'Refused: colours: 77 is beyond the last colour.\n\n- lengths: there is no Tea.'
    >>> refusal_note("asked Ann about it", ["colours: 77 is beyond the last colour."])
    'asked Ann about it'
    """
    if standing and not standing.startswith(_OURS):
        return standing
    if not problems:
        return None
    # the page shows the first line, and the rest at a click, as Markdown
    first, *others = problems
    note = f"{_OURS}{first}" + (f"\n\n{bullets(others)}" if others else "")
    return note if len(note) <= _LONGEST else f"{note[: _LONGEST - 3]}..."


def _note(dag_run: Any) -> None:
    # a listener has no other way to a run's XComs: it runs in no task, and the REST API is for people
    from airflow.models.xcom import XComModel
    from sqlalchemy.orm import object_session

    session = object_session(dag_run)
    if session is None:
        return
    found = XComModel.get_many(
        run_id=dag_run.run_id, dag_ids=dag_run.dag_id, task_ids=[COLLECT, PLAN], key=PROBLEMS, limit=1
    )
    refused = session.scalars(found).first()
    problems = XComModel.deserialize_value(refused) if refused else []
    note = refusal_note(dag_run.note, problems)
    if note is not None:
        dag_run.note = note
    elif dag_run.dag_run_note:
        session.delete(dag_run.dag_run_note)
