"""The alerts of a run: that it failed, once; that hashes do not match; and that it is not done in time."""

import asyncio
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.xcoms import COLLECT, NOT_DONE, PLAN, PLAN_URI, PROBLEMS, bullets, sentences

if TYPE_CHECKING:
    from darkroom.jobs import Report

_MISMATCH = "mismatch"  # the kind of `darkroom.failures.Mismatch`, which is not imported while DAGs are parsed
_MOST_NAMED = 20
_REASONS = {
    "task_failure": "a task failed",
    "all_tasks_deadlocked": "no task could run any more",
    "timed_out": "it took longer than the DAG allows",
}


class RunAlert(BaseNotifier):
    """Says once a run that it failed, why, and where the report lies; and, of a DAG with a deadline, that it is late.

    A hash that is not the one that it must be is an alert of its own kind, with both: it may mean that what was safe
    yesterday is not today.

    Goes on every DAG as `on_failure_callback`, where it runs in the DAG processor, and on deadlines, where it runs in
    the triggerer; it writes to those logs. A deployment that wants e-mail or chat changes `send`.
    """

    def notify(self, context: Any) -> None:
        """Build the message and send it."""
        run = f"the run {context['run_id']}"
        text, report = self._text(context)
        self.send(f"{context['dag'].dag_id}: {run} failed", text)
        wrong = [one for one in report.not_done if one.kind == _MISMATCH] if report else []
        if wrong:
            said = sentences([f"{one.item}: {one.reason}" for one in wrong], most=_MOST_NAMED)
            self.send(f"{context['dag'].dag_id}: hashes that do not match in {run}: {len(wrong)}", bullets(said))

    async def async_notify(self, context: Any) -> None:
        """Build the message of a missed deadline and send it. Airflow gives the run as its API does."""
        run, deadline = context.get("dag_run", {}), context.get("deadline", {})
        subject = f"{run.get('dag_id')}: the run {run.get('dag_run_id')} is not done in time"
        text = (
            f"It should have been by {deadline.get('deadline_time')}, and is {run.get('state')}.\n"
            f"It was queued at {run.get('queued_at')} and began at {run.get('start_date')}. The logs of its tasks "
            "show how far it is; what it has made is kept, also when it is ended."
        )
        await asyncio.to_thread(self.send, subject, text)

    def send(self, subject: str, text: str) -> None:
        """Deliver one alert: here, into the log."""
        self.log.error("%s\n%s", subject, text)

    def _text(self, context: Any) -> "tuple[str, Report | None]":
        """What went wrong: the reason as Airflow has it, and what the run's report says; and that, if there is one."""
        reason = str(context.get("reason", "unknown"))
        report = None
        said = [f"The reason: {_REASONS.get(reason, reason)}."]
        if uri := self._pull(context, PLAN, PLAN_URI):
            lines, report = self._report(uri)
            said += lines
        elif problems := self._pull(context, COLLECT, PROBLEMS) or self._pull(context, PLAN, PROBLEMS):
            said += [NOT_DONE, bullets(problems)]
        else:
            said.append("There is no plan yet, and so no report; the logs of the tasks say more.")
        return "\n".join(said), report

    def _pull(self, context: Any, task: str, key: str) -> Any:
        """One of a task's XComs; nothing where there is none, or nobody to ask."""
        ti = context.get("ti")
        try:
            return ti.xcom_pull(task_ids=task, key=key) if ti else None
        except Exception as error:  # noqa: BLE001 an alert with less in it is better than none
            self.log.warning("The XCom %r of %s cannot be read here: %r", key, task, error)
            return None

    def _report(self, uri: str) -> "tuple[list[str], Report | None]":
        from darkroom import keys
        from darkroom.plan_folder import PlanFolder
        from darkroom.reports import failure_text
        from darkroom.store import readable

        try:
            with StoreAccess() as stores:
                folder = PlanFolder.at(uri, stores.reach(uri))
                report = folder.report()
        except Exception as error:  # noqa: BLE001 as above
            return [f"There is no report ({error}) in {readable(uri)}."], None
        if report is None:
            return [f"There is no report in {readable(uri)}."], None
        where = f"The report: {readable(folder.uri_of(keys.REPORT_HTML))}"
        return [report.title, failure_text(report), where], report
