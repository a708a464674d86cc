"""`report`: say what became of the run, and fail it when anything did."""

from typing import Any

from airflow.sdk import BaseOperator, Context, TriggerRule

from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.operators.plan import different
from darkroom_airflow.refusals import refusals_are_final
from darkroom_airflow.task_logs import refused
from darkroom_airflow.xcoms import (
    APPROVE,
    COLLECT,
    COUNTS,
    NOT_DONE,
    PLAN,
    PLAN_URI,
    PROBLEMS,
    REPORT_URI,
    RESULT,
    RUN,
    SETTLE,
    bullets,
    sentences,
)

_FAILED = ("failed", "upstream_failed")
_COUNTED = ("planned", "done", "skipped", "refused", "failed", "todo", "distinct", "bytes")


class ReportOperator(BaseOperator):
    """Writes report.json and report.html; the run's only leaf, so that its state is the run's.

    Fails, with a readable list, when plan, run, settle or any item failed. Never retried: the next try would say the
    same.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "trigger_rule": TriggerRule.ALL_DONE, "retries": 0})

    def execute(self, context: Context) -> None:
        """Report on the run's plan."""
        from darkroom import keys
        from darkroom.estimates import core_time
        from darkroom.reports import failure_text, make_report, result_line
        from darkroom.store import readable

        ti = context["ti"]
        uri = ti.xcom_pull(task_ids=PLAN, key=PLAN_URI)
        if not uri:
            raise refused(self._no_plan(ti))
        with refusals_are_final(), StoreAccess() as stores:
            folder = stores.reach_plan(uri)
            report = make_report(folder, self._problems(ti))
            outputs = folder.manifest().output_store
        ti.xcom_push(REPORT_URI, folder.uri_of(keys.REPORT_HTML))
        ti.xcom_push(RESULT, result_line(report))
        counts = {name: getattr(report, name) for name in _COUNTED}
        ti.xcom_push(COUNTS, {name: count for name, count in counts.items() if count is not None})
        made = (report.done, report.skipped, report.refused, report.failed, report.todo)
        said = "%d planned%s: %d done, %d skipped, %d refused, %d failed, %d left."
        self.log.info(said, report.planned, different(report.distinct), *made)
        if report.estimate and report.core_seconds:
            estimated, spent = core_time(report.estimate.core_seconds), core_time(report.core_seconds)
            self.log.info("It took %s; the plan said %s.", spent, estimated)
        self.log.info("The report: %s", readable(folder.uri_of(keys.REPORT_HTML)))
        self.log.info("The %ss: %s", report.noun, readable(outputs))
        if report.held:
            self.log.warning("%d of those left were not approved.", report.held)
        if not report.ok:
            raise refused(failure_text(report))

    def _no_plan(self, ti: Any) -> str:
        for task in (COLLECT, PLAN):
            if problems := ti.xcom_pull(task_ids=task, key=PROBLEMS):
                return f"{NOT_DONE}\n{bullets(problems)}"
        failed = COLLECT if self._states(ti).get(COLLECT) in _FAILED else PLAN
        return f"There is no plan: {failed} failed. Its log says why."

    def _states(self, ti: Any) -> dict[str, str]:
        """The states of the run's tasks; a mapped task's instances come as run_0, run_1, ..."""
        tasks = [COLLECT, PLAN, APPROVE, RUN, SETTLE]
        found = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id], task_ids=tasks)
        states: dict[str, str] = found.get(ti.run_id, {})
        return states

    def _problems(self, ti: Any) -> list[str]:
        """What went wrong with the run's tasks, a sentence each."""
        states = self._states(ti)
        tasks = [task for task in (PLAN, APPROVE, RUN, SETTLE) if states.get(task) in _FAILED]
        if APPROVE in tasks and RUN in tasks:
            tasks.remove(RUN)  # it never began, and has no log
        problems = [f"{task}: failed; its log says why." for task in tasks]
        jobs = ti.xcom_pull(task_ids=PLAN) or []
        failed = [job["job_label"] for at, job in enumerate(jobs) if states.get(f"{RUN}_{at}") in _FAILED]
        if failed:
            problems.append(f"{RUN}: {len(failed)} of {len(jobs)} jobs failed: {', '.join(sentences(failed, most=10))}")
        return problems
