"""What alerts are about and where they arrive: runs that end as the tests want, and a topic that is listened to."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from darkroom import keys
from darkroom.alerting.message import Message, Ran, run_failed
from darkroom.jobs import Mode, NotDone, Report, State, dump
from darkroom.plan_folder import PlanFolder
from darkroom.store import open_store
from tests.dags.tiny_studio import parse_dags

DAG = "gcs_archive_sync"
USER, PASSWORD, TOKEN = "darkroom", "the-password-of-the-mail-server", "T0/B0/the-token-of-the-webhook"
OPS = "ops@studio.example"
REGION = "us-east-1"


@dataclass
class Topic:
    """A topic of SNS, and the queue that hears of it."""

    arn: str
    queue: str
    sqs: Any

    def heard(self) -> list[dict[str, Any]]:
        """The notifications so far, as SNS hands them on."""
        found = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(one["Body"]) for one in found]


@dataclass
class Line:
    """A deployment whose runs end as the tests want, as Airflow's callbacks see them."""

    root: Path
    ended: int = field(default=0)

    @property
    def studio(self) -> Path:
        return self.root / "studio"

    def fails(self, *not_done: NotDone, run_id: str = "", **params: Any) -> str:
        """A run fails: its callback."""
        from darkroom_airflow.alerts import RunAlert

        return self._end(RunAlert(), not_done, run_id, "task_failure", params)

    def succeeds(self, *not_done: NotDone, run_id: str = "", **params: Any) -> str:
        """A run succeeds: its callback."""
        from darkroom_airflow.alerts import FineAgain

        return self._end(FineAgain(), not_done, run_id, "success", params)

    def _end(self, alert: Any, not_done: tuple[NotDone, ...], run_id: str, reason: str, params: Any) -> str:
        self.ended += 1
        run_id = run_id or f"scheduled__{self.ended}"
        dag = parse_dags().dags[DAG]
        store = open_store(str(self.studio))
        held = params.pop("held", 0)
        folder = PlanFolder(store, keys.plan_folder(DAG, run_id, "1"))
        folder.write(keys.REPORT_JSON, dump(report(*not_done, held=held, todo=held)))
        pulled = {("plan", "plan_uri"): folder.uri} if not params.pop("no_plan", False) else {}
        ti = SimpleNamespace(xcom_pull=lambda task_ids, key: pulled.get((task_ids, key)))
        run = SimpleNamespace(run_type="scheduled", partition_key=None)
        values = {name: dag.params[name] for name in dag.params} | params
        alert({"dag": dag, "run_id": run_id, "reason": reason, "ti": ti, "dag_run": run, "params": values})
        return run_id


def failed(item: str, reason: str = "it is cut short", kind: str = "") -> NotDone:
    return NotDone(item=item, state=State.FAILED, reason=reason, kind=kind, where=f"gs://scans/{item}")


def report(*not_done: NotDone, title: str = "Archive · maps", held: int = 0, todo: int = 0) -> Report:
    return Report(
        title=title,
        flow="archive",
        noun="object",
        mode=Mode.CHANGED,
        plan="",
        created=datetime(2026, 11, 28, tzinfo=UTC),
        planned=10,
        done=10 - len(not_done) - todo,
        skipped=0,
        refused=0,
        failed=len(not_done),
        todo=todo,
        distinct=None,
        outputs=0,
        bytes=0,
        seconds=1,
        groups={},
        not_done=not_done,
        problems=(),
        findings=(),
        stale=(),
        pruned=(),
        versions={},
        held=held,
    )


HOSTILE = (
    "maps/{{ conn.smtp_default.password }}<b onclick='x'>&amp;</b><!channel> *a* <https://evil.example|here>.tif",
    "maps/a\r\nBcc: everybody@evil.example\r\n\r\nx.tif",
    "maps/" + "\N{GRINNING FACE}" * 300,
    "maps/no-utf-8-\udcff",
)


def a_message() -> Message:
    """A message with names that somebody chose with malice."""
    ran = Ran(
        dag_id=DAG,
        run_id="manual__2026-11-28T05:30:00+00:00",
        page="https://airflow.example/dags/gcs_archive_sync/runs/a%2B1",
        report="s3://studio/work/report.html",
    )
    title = "Archive · {{ 7 * 7 }}\r\nBcc: everybody@evil.example " + "é" * 200
    return run_failed(ran, "a task failed", report(*map(failed, HOSTILE), title=title))
