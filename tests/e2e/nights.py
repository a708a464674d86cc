"""A running studio with scans, a dress and two people, which several files' tests share: what they ask of it."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

from darkroom.pyramids.sources import markers
from darkroom.store import open_store
from demo.rest import AirflowApi
from demo.studio import Studio
from demo.watch import FINISHED
from tests.servers.mail import MailServer
from tests.servers.webhook import Webhook

PYRAMIDS, INGEST, COMPOSITING = "nightly_pyramids", "render_ingest", "combination_compositing"
FLOWS = (PYRAMIDS, INGEST, COMPOSITING)
"""Those of the story."""
ONLY_WHAT_IS_ASKED = {
    "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
}
"""Settings of an Airflow that starts no flow's run by itself before it may, and whose DAG files nobody changes."""
OPS = "ops@studio.example"
_READ = 5.0  # seconds


class Nights:
    """The studio, where its alerts arrive, and its files."""

    def __init__(self, studio: Studio, api: AirflowApi, scans: Path, chat: Webhook, mails: MailServer) -> None:
        self.studio, self.api, self.scans, self.chat, self.mails = studio, api, scans, chat, mails
        self.bucket = studio.layout.bucket
        self.store = open_store(str(self.bucket))

    def mark(self, key: str) -> None:
        markers.write(self.store, "maps", open_store(str(self.scans)), markers.Marker(key=key))

    def marked(self) -> list[str]:
        return sorted(found.marker.key for found in markers.read_markers(self.store, "maps") if found.marker)

    def pyramids(self) -> dict[str, int]:
        """What was published, with the time of its last change."""
        return changes(self.studio.layout.images, "*.tif")

    def until(self, what: Callable[[], Any], seconds: float = 300) -> Any:
        end = time.monotonic() + seconds
        while not (found := what()):
            self.studio.check_alive()
            assert time.monotonic() < end, "not in time"
            time.sleep(0.3)
        return found

    def end(self, run_id: str, dag: str = PYRAMIDS) -> str:
        self.until(lambda: self.api.run_state(dag, run_id) in FINISHED)
        return self.api.run_state(dag, run_id)

    def run(self, dag: str, **conf: Any) -> tuple[str, str]:
        """Start a run and wait for its end; returns its id and state."""
        run_id = self.api.trigger(dag, conf)
        return run_id, self.end(run_id, dag)

    def plan(self, run_id: str, dag: str = PYRAMIDS) -> Path:
        """The folder of a run's latest plan."""
        return Path(self.api.xcom(dag, run_id, "plan", "plan_uri").removeprefix("file://"))

    def report(self, run_id: str, dag: str = PYRAMIDS) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.plan(run_id, dag) / "report.json").read_bytes())
        return report

    def state(self, dag: str, run_id: str, task: str) -> str:
        return next((str(one["state"]) for one in self.api.tasks(dag, run_id) if one["task_id"] == task), "")

    def told(self, run_id: str, what: str = "") -> list[str]:
        """The messages that the chat got of a run, of those whose subject says this."""
        return [text for text in self.chat.texts if run_id in text and what in text.partition("\n")[0]]

    def told_once(self, run_id: str, what: str = "") -> str:
        """The only message of a run of which the subject says this, once it has come; the mail has come as well."""
        self.until(lambda: self.told(run_id, what) and self.mailed(run_id, what), 60)
        (text,) = self.told(run_id, what)
        ((to, mail),) = self.mailed(run_id, what)
        assert to == [OPS]
        assert text.startswith(mail["subject"])
        return text

    def mailed(self, run_id: str, what: str = "") -> list[tuple[list[str], EmailMessage]]:
        """The mails about a run, and to whom, of those whose subject says this."""
        return [
            (to, mail)
            for to, mail in self.mails.mails
            if what in mail["subject"] and run_id in mail.get_body().get_content()  # type: ignore[union-attr]
        ]

    def answer(self, dag: str, run_id: str, choice: str) -> None:
        """Answer it, a moment later: within the first one or two seconds Airflow may not know yet that it waits."""
        time.sleep(_READ)
        self.api.answer(dag, run_id, choice)

    def question(self, run_id: str, dag: str = COMPOSITING) -> dict[str, Any]:
        """What a person is asked by a run, once it waits for the answer."""
        return dict(self.until(lambda: self.api.question(dag, run_id)))

    def connect(self, **connection: Any) -> None:
        """Make a connection in the database, which neither the DAG processor nor the triggerer may ask by itself."""
        self.api._call("POST", "/api/v2/connections", json=connection)

    def mark_failed(self, dag: str, run_id: str, task: str) -> None:
        """Set a task to failed, as a person does in the UI."""
        path = f"/api/v2/dags/{dag}/dagRuns/{quote(run_id)}/taskInstances/{task}"
        self.api._call("PATCH", path, json={"new_state": "failed"})

    def backfill(self, dag: str, first: datetime, last: datetime, *more: str) -> list[dict[str, Any]]:
        """Run Airflow's command for the intervals that begin between these times, and wait for their runs.

        One after another: several of a DAG would wait half a minute for one another's lease.
        """
        began = self._before_a_backfill(dag)
        dates = ("--from-date", first.isoformat(), "--to-date", last.isoformat(), "--max-active-runs", "1")
        self.studio.airflow("backfill", "backfill", "create", "--dag-id", dag, *dates, *more)
        return self._backfilled(dag, began)

    def backfill_in_ui(self, dag: str, first: datetime, last: datetime, **more: Any) -> list[dict[str, Any]]:
        """The same with the request that the UI's form sends."""
        began = self._before_a_backfill(dag)
        form = {"dag_id": dag, "from_date": first.isoformat(), "to_date": last.isoformat(), "max_active_runs": 1}
        self.api._call("POST", "/api/v2/backfills", json={**form, "run_backwards": False, "dag_run_conf": {}, **more})
        return self._backfilled(dag, began)

    def _before_a_backfill(self, dag: str) -> datetime:
        # Airflow begins none before it has seen that the last one of the DAG is over, for which it looks twice a minute
        self.until(lambda: all(one["completed_at"] for one in self.api.backfills(dag)))
        return datetime.now(UTC) - timedelta(seconds=1)

    def _backfilled(self, dag: str, began: datetime) -> list[dict[str, Any]]:
        def ended() -> list[dict[str, Any]]:
            runs = [run for run in self.api.runs(dag, "backfill") if datetime.fromisoformat(run["queued_at"]) >= began]
            return runs if runs and all(run["state"] in FINISHED for run in runs) else []

        runs = sorted(self.until(ended), key=lambda run: str(run["data_interval_start"]))
        assert {run["state"] for run in runs} == {"success"}
        return runs


def changes(folder: Path, pattern: str) -> dict[str, int]:
    """The files of a folder with the times of their last changes."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in sorted(folder.rglob(pattern))}


def changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    """What is there in both, and not as it was."""
    assert before.keys() == after.keys()
    return {name for name in after if after[name] != before[name]}
