"""Runs as Airflow's database has them, with what their plans' folders hold, for the tab of a run."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from darkroom import keys
from darkroom.jobs import (
    GroupReport,
    JobRef,
    Manifest,
    Mode,
    NotDone,
    Outcome,
    OutcomeBatch,
    Output,
    Settlement,
    State,
    dump,
)
from darkroom.plan_folder import PlanFolder
from darkroom.reports import make_report
from darkroom.store import open_store
from tests.dags.pages.world import SAMPLE, Pages
from tests.dags.tiny_studio import parse_dags

COMPOSITES, SCANS, MIRROR = "combination_compositing", "nightly_pyramids", "gcs_archive_sync"
PLAN = "20261128T053000-0a1b2c"
_BATCH = 5_000
DONE = {"plan": ["success"], "run": ["success"] * 3, "settle": ["success"], "report": ["success"]}
"""The tasks of a run that ended well."""


@dataclass
class Runs:
    """The runs of a server's Airflow."""

    pages: Pages
    made: int = 0
    _dags: dict[str, Any] = field(default_factory=dict)

    def address(self, dag_id: str, run_id: str) -> str:
        """The page of a run, by itself."""
        return f"{self.pages.url}/darkroom/runs/{dag_id}/{run_id}/"

    def in_airflow(self, dag_id: str, run_id: str) -> str:
        """The tab in Airflow's UI."""
        return f"{self.pages.url}/dags/{dag_id}/runs/{run_id}/plugin/report"

    def add(
        self,
        dag_id: str,
        state: str,
        tasks: Mapping[str, Sequence[str | None]],
        xcoms: Mapping[tuple[str, str], Any] | None = None,
        run_id: str = "",
    ) -> str:
        """A run whose tasks' instances are in these states, and told this (by task and key); returns its id."""
        from airflow.models.dagrun import DagRun
        from airflow.models.taskinstance import TaskInstance
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session
        from airflow.utils.types import DagRunType

        dag, version = self._registered(dag_id)
        self.made += 1
        run_id = run_id or f"manual__2026-11-28T05:30:{self.made:02d}+00:00"
        now = datetime.now(UTC)
        with create_session() as session:
            run = DagRun(dag_id, run_id, run_type=DagRunType.MANUAL, state=state, run_after=now, start_date=now)
            session.add(run)
            session.flush()
            for task, states in tasks.items():
                for at, one in enumerate(states):
                    index = at if task == "run" else -1
                    instance = TaskInstance(dag.get_task(task), version, run_id=run_id, state=one, map_index=index)
                    session.add(instance)
            session.flush()
            for (task, key), value in (xcoms or {}).items():
                XComModel.set(key, value, dag_id=dag_id, task_id=task, run_id=run_id, session=session)
        return run_id

    def _registered(self, dag_id: str) -> tuple[Any, Any]:
        """A DAG of the project, in the database as its processor would have it."""
        if dag_id not in self._dags:
            from airflow.dag_processing.bundles.manager import DagBundlesManager
            from airflow.models.dag_version import DagVersion
            from airflow.models.serialized_dag import SerializedDagModel
            from airflow.serialization.definitions.dag import SerializedDAG
            from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG

            dag = parse_dags().dags[dag_id]
            lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(dag))
            DagBundlesManager().sync_bundles_to_db()
            SerializedDAG.bulk_write_to_db("dags-folder", None, [lazy])
            SerializedDagModel.write_dag(lazy, bundle_name="dags-folder")
            version = DagVersion.get_latest_version(dag_id)
            assert version
            self._dags[dag_id] = dag, version.id
        found: tuple[Any, Any] = self._dags[dag_id]
        return found

    def forget(self) -> None:
        """Leave Airflow's database as it was: other tests bring the same DAGs into it."""
        from airflow.api.common.delete_dag import delete_dag
        from airflow.models.taskinstance import TaskInstance
        from airflow.utils.session import create_session

        with create_session() as session:  # a DAG goes only when nothing of it is at work
            session.query(TaskInstance).filter_by(state="running").update({"state": "failed"})
        for dag_id in self._dags:
            delete_dag(dag_id)

    def planned(self, dag_id: str, tasks: Mapping[str, Sequence[str | None]], jobs: int) -> str:
        """A run that goes on, with a plan of so many jobs, each of 100 items; returns its id."""
        run_id = f"manual__2026-11-28T04:30:{self.made:02d}+00:00"
        folder = PlanFolder(open_store(str(self.pages.store)), keys.plan_folder(dag_id, run_id, PLAN))
        refs = [JobRef(uri=folder.uri_of(keys.job(at)), label="", machine="small", items=100) for at in range(jobs)]
        folder.write(keys.MANIFEST, dump(_manifest(folder, dag_id, run_id, refs, planned=100 * jobs + 20)))
        counts = {"planned": 100 * jobs + 20, "skipped": 20, "jobs": jobs}
        return self.add(
            dag_id, "running", tasks, {("plan", "plan_uri"): folder.uri, ("plan", "counts"): counts}, run_id
        )

    def reported(
        self,
        dag_id: str,
        outcomes: Iterable[Outcome],
        *,
        refused: Sequence[NotDone] = (),
        problems: Sequence[str] = (),
        title: str = "sample-dress · Knee · 2 colours",
        noun: str = "picture",
        state: str = "failed",
        tasks: Mapping[str, Sequence[str | None]] | None = None,
        run_id: str = "",
    ) -> str:
        """A run with a report of these outcomes, as the engine itself makes it; returns its id."""
        self.made += 1
        run_id = run_id or f"manual__2026-11-28T06:30:{self.made:02d}+00:00"
        store = open_store(str(self.pages.store))
        folder = PlanFolder(store, keys.plan_folder(dag_id, run_id, PLAN))
        found = list(outcomes)
        groups: dict[str, GroupReport] = {}
        for one in (*found, *refused):
            groups.setdefault(one.group, GroupReport()).planned += 1
        refusals = {"planned": len(found) + len(refused), "refused": tuple(refused), "groups": groups}
        job = JobRef(uri=folder.uri_of(keys.job(1)), label="all", machine="small", items=len(found))
        manifest = _manifest(folder, dag_id, run_id, (job,), title=title, noun=noun, **refusals)
        folder.write(keys.MANIFEST, dump(manifest))
        for number, first in enumerate(range(0, len(found), _BATCH), 1):
            batch = OutcomeBatch(outcomes=tuple(found[first : first + _BATCH]), core_seconds=60.0)
            folder.write(keys.outcome_batch(1, number), dump(batch))
        proven = sum(one.state is State.DONE for one in found)
        folder.write(keys.SETTLEMENT, dump(Settlement(proven=proven, batches=1)))
        make_report(folder, problems)
        told = {("plan", "plan_uri"): folder.uri, ("plan", "counts"): {"planned": len(found), "jobs": 1}}
        return self.add(dag_id, state, tasks or {**DONE, "report": ["failed"]}, told, run_id)

    def pictures(self, number: int, every: int, *, shown: int = 40) -> Iterator[Outcome]:
        """What became of so many pictures, of which each `every`th failed; some of them are really there."""
        png = self.pages.path(SAMPLE, "t1_neckline_front")
        at = png.relative_to(self.pages.store).as_posix()
        torn = ("t1_neckline_front_0003.png is cut short", "b4_knee_bottom_front_0001.png has another size")
        for one in range(number):
            name = f"t{one}-knee-front-{one % 18:04d}"
            if one % every == every - 1:
                why = {"reason": torn[one % 11 == 0], "where": f"renders/raw/sample-dress/{one}.png", "kind": "decode"}
                yield Outcome(item=name, group="knee front", state=State.FAILED, **why)
            else:
                outputs = (Output(key=at, recipe="r", etag="e", bytes=9),) if one < shown else ()
                seconds = 0.2 + one % 997 / 500
                yield Outcome(item=name, group="knee front", state=State.DONE, outputs=outputs, seconds=seconds)


def _manifest(folder: PlanFolder, dag_id: str, run_id: str, jobs: Sequence[JobRef], **more: Any) -> Manifest:
    fields = {"noun": "picture", "title": "sample-dress", "skipped": 0, "todo": sum(job.items for job in jobs)}
    return Manifest(
        flow={COMPOSITES: "compositing", SCANS: "pyramids", MIRROR: "archive"}[dag_id],
        uri=folder.uri,
        store=folder.store.uri,
        output_store=folder.store.uri,
        mode=Mode.CHANGED,
        created=datetime.now(UTC),
        run=f"{dag_id}, run {run_id}",
        subjects=("sample-dress",),
        request={},
        jobs=tuple(jobs),
        **fields | more,
    )
