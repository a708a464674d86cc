"""`plan`: find the work, say what it is, write the job files."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context

from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.operators.jobs import require_reach
from darkroom_airflow.refusals import refusals_are_told
from darkroom_airflow.xcoms import COUNTS, PLAN_URI

if TYPE_CHECKING:
    from darkroom.jobs import Manifest

_MOST_FINDINGS = 50
_BACKFILL = "backfill"


class PlanOperator(BaseOperator):
    """Plans a run of `flow` from the DAG's Params and returns the jobs for `run` to be mapped over.

    Passes on the plan's URI and counts. A request that the plan refuses fails the task for good, with every reason in
    its log. `where` is the queue of the machine that has the flow's folder, as of `run_jobs`. `partition` is the Param
    for which the run's partition key stands, where it has one.
    """

    def __init__(self, *, flow: str, where: str | None = None, partition: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs | ({"queue": where} if where else {}))
        self.flow, self.where, self.partition = flow, where, partition

    def execute(self, context: Context) -> list[dict[str, str]]:
        """Write a new plan folder; the result is `expand_kwargs` of the `run` operator."""
        from darkroom import flows
        from darkroom.planning import plan

        ti, dag_run = context["ti"], context["dag_run"]
        flow = flows.get(self.flow)
        with refusals_are_told(ti):
            request = flow.request(params_of(context, backfill=flow.backfill, partition=self.partition))
            locations = list(flow.stores(request))
            if self.where is None:
                require_reach(locations)
            with StoreAccess() as stores:
                run = flows.Run(dag_run.dag_id, dag_run.run_id, access=stores.reach(*locations))
                manifest = plan(flow, request, run)
        self._say(manifest)
        ti.xcom_push(COUNTS, counts_of(manifest))
        ti.xcom_push(PLAN_URI, manifest.uri)
        return [{"job_uri": job.uri, "job_label": job.label, "machine": job.machine} for job in manifest.jobs]

    def _say(self, manifest: "Manifest") -> None:
        """What will be done, before anything is spent."""
        from darkroom.causes import cause_lines, causes
        from darkroom.store import readable

        self.log.info("%s, mode %s: %d planned.", manifest.title, manifest.mode.value, manifest.planned)
        counts = (manifest.skipped, len(manifest.refused), manifest.todo, different(manifest.distinct))
        self.log.info("%d skipped, %d refused, %d left%s in %d jobs.", *counts, len(manifest.jobs))
        if manifest.estimate:
            self.log.info("It will take %s.", manifest.estimate.sentence)
        for line in cause_lines(causes(manifest.refused), manifest.noun, _MOST_FINDINGS):
            self.log.warning("%s", line)
        for problem in manifest.problems:
            self.log.error("%s", problem)
        for finding in manifest.findings[:_MOST_FINDINGS]:
            self.log.warning("Finding: %s", finding)
        unsaid = max(len(manifest.refused), len(manifest.findings)) > _MOST_FINDINGS
        if manifest.stale:
            self.log.warning("%d files are stale: an input of theirs is gone.", len(manifest.stale))
        self.log.info("The plan%s: %s", ", with the lists in full" if unsaid else "", readable(manifest.uri))


def different(distinct: int | None) -> str:
    """How many items differ, where the flow tells these apart."""
    return "" if distinct is None else f" ({distinct} different)"


def params_of(context: Context, *, backfill: bool, partition: str = "") -> dict[str, Any]:
    """The form's values and, in a backfill of a flow that knows intervals, the one that it is about.

    For the Param `partition`, the run's partition key stands above what the form says.
    """
    request = request_from(context["params"])
    if partition and (key := context["dag_run"].partition_key):
        request[partition] = key
    if backfill and context["dag_run"].run_type == _BACKFILL:
        # only there: a run by hand may have no interval, and a scheduled one is about what waits, whenever it changed
        interval = {"since": context["data_interval_start"], "until": context["data_interval_end"]}
        request |= {name: end.isoformat() for name, end in interval.items() if end}
    return request


def request_from(params: Mapping[str, Any]) -> dict[str, Any]:
    """The flow's request from the form's values.

    The form gives null for a field that was emptied, which means its default, and lines as they were typed: blanks
    around a line and empty lines mean nothing.
    """
    return {
        name: [line for entry in value if (line := entry.strip())] if isinstance(value, list) else value
        for name, value in params.items()
        if value is not None
    }


def counts_of(manifest: "Manifest") -> dict[str, int]:
    """The plan's numbers by name."""
    counts = {name: getattr(manifest, name) for name in ("planned", "todo", "skipped", "distinct")}
    counts |= {name: len(getattr(manifest, name)) for name in ("refused", "findings", "stale", "jobs")}
    return {name: count for name, count in counts.items() if count is not None}
