"""Airflow's REST API, as far as the demo and the end-to-end test use it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

_API = "/api/v2"
_PAGE = 100


class ApiError(Exception):
    """Airflow does not answer, or says no. The text is for a person."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class AirflowApi:
    """A user of one Airflow; `log_in` first."""

    def __init__(self, address: str, user: str, password: str) -> None:
        self._user, self._password = user, password
        # trust_env: this machine's proxy is not meant for loopback. On a busy machine Airflow answers nobody for half a
        # minute, when the first task asks it for something.
        self._http = httpx.Client(base_url=address, timeout=120, trust_env=False)

    def health(self) -> dict[str, str]:
        """The state of each component, empty while nobody answers; needs no login."""
        try:
            return {name: part.get("status") or "missing" for name, part in self._get("/monitor/health").items()}
        except ApiError:
            return {}

    def log_in(self) -> None:
        """Get a token for what follows."""
        answer = self._call("POST", "/auth/token", json={"username": self._user, "password": self._password})
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def has_dag(self, dag_id: str) -> bool:
        """Is the DAG known, and ready to run?"""
        return self._find(f"/dags/{dag_id}/details") is not None

    def pause(self, dag_id: str, *, paused: bool = True) -> None:
        """Let a DAG's runs begin no more, or again."""
        self._call("PATCH", f"{_API}/dags/{dag_id}", json={"is_paused": paused})

    def import_errors(self) -> list[str]:
        """What keeps DAG files from being read."""
        return [error["stack_trace"] for error in self._get("/importErrors")["import_errors"]]

    def set_pool(self, name: str, slots: int, description: str) -> None:
        """Create a pool, or make it what it should be. Tasks that wait for a worker far away count, too."""
        pool = {"slots": slots, "description": description, "include_deferred": True}
        if self._find(f"/pools/{name}") is None:
            self._call("POST", f"{_API}/pools", json={"name": name, **pool})
        else:
            self._call("PATCH", f"{_API}/pools/{name}", json={"pool": name, **pool})

    def set_slots(self, name: str, slots: int) -> None:
        """Let a pool that is there have so many slots; of Airflow's own nothing else can be set."""
        pool = {"pool": name, "slots": slots}
        self._call("PATCH", f"{_API}/pools/{name}?update_mask=slots", json=pool)

    def trigger(self, dag_id: str, conf: Mapping[str, Any]) -> str:
        """Start a run by hand; returns its id."""
        run = {"logical_date": None, "conf": dict(conf)}
        return str(self._call("POST", f"{_API}/dags/{dag_id}/dagRuns", json=run).json()["dag_run_id"])

    def run_state(self, dag_id: str, run_id: str) -> str:
        """The state of a run: queued, running, success, failed."""
        return str(self._get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def run_times(self, dag_id: str, run_id: str) -> tuple[datetime, datetime]:
        """When a run that has ended was asked for, and when it ended."""
        found = self._get(f"/dags/{dag_id}/dagRuns/{run_id}")
        return datetime.fromisoformat(found["queued_at"]), datetime.fromisoformat(found["end_date"])

    def run_note(self, dag_id: str, run_id: str) -> str:
        """The note on a run's page; empty where there is none."""
        return self._get(f"/dags/{dag_id}/dagRuns/{run_id}")["note"] or ""

    def runs(self, dag_id: str, run_type: str) -> list[dict[str, Any]]:
        """The latest runs of a kind: manual, scheduled, backfill."""
        found: list[dict[str, Any]] = self._get(f"/dags/{dag_id}/dagRuns?run_type={run_type}&limit={_PAGE}")["dag_runs"]
        return found

    def active(self, dag_id: str) -> int:
        """How many runs of a DAG have not ended."""
        return int(self._get(f"/dags/{dag_id}/dagRuns?state=queued&state=running&limit=1")["total_entries"])

    def unfinished(self, dag_id: str, run_type: str, partition: str = "") -> list[str]:
        """The ids of the runs of a kind that have not ended; only of a partition, where one is named."""
        path = f"/dags/{dag_id}/dagRuns?run_type={run_type}&state=queued&state=running&limit={_PAGE}"
        found = self._get(path)["dag_runs"]
        return [str(run["dag_run_id"]) for run in found if not partition or run["partition_key"] == partition]

    def question(self, dag_id: str, run_id: str) -> dict[str, Any] | None:
        """What a run's `approve` asks, as a person sees it; None while it does not wait for an answer."""
        waits = any(
            (task["task_id"], task["state"]) == ("approve", "awaiting_input") for task in self.tasks(dag_id, run_id)
        )
        return self._find(self._question(dag_id, run_id)) if waits else None

    def answer(self, dag_id: str, run_id: str, choice: str) -> None:
        """Answer it, as a person does in the UI: `Approve` or `Reject`."""
        self._call("PATCH", f"{_API}{self._question(dag_id, run_id)}", json={"chosen_options": [choice]})

    @staticmethod
    def _question(dag_id: str, run_id: str) -> str:
        return f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/approve/-1/hitlDetails"

    def backfills(self, dag_id: str) -> list[dict[str, Any]]:
        """The backfills of a DAG, each with when it was `completed_at`."""
        found: list[dict[str, Any]] = self._get(f"/backfills?dag_id={dag_id}&limit={_PAGE}")["backfills"]
        return found

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run, mapped ones one by one."""
        found: list[dict[str, Any]] = []
        while True:
            path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit={_PAGE}&offset={len(found)}"
            page = self._get(path)["task_instances"]
            found += page
            if len(page) < _PAGE:
                return found

    def xcom(self, dag_id: str, run_id: str, task_id: str, key: str) -> Any:
        """What a task passed on; None where it did not."""
        found = self._find(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/xcomEntries/{key}")
        return found["value"] if found else None

    def log(self, dag_id: str, run_id: str, task: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The lines of the latest try of a task instance, as `tasks` gives it: each an `event`, and its `timestamp`."""
        path = f"/dags/{dag_id}/dagRuns/{quote(run_id)}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
        lines: list[dict[str, Any]] = self._get(f"{path}?map_index={task['map_index']}")["content"]
        return lines

    def clear(self, dag_id: str, run_id: str, task_id: str) -> int:
        """Clear a task of a run and all after it, with the UI's own request; returns how many task instances."""
        request: dict[str, Any] = {"dag_run_id": run_id, "task_ids": [task_id], "include_downstream": True}
        request |= dict.fromkeys(("include_upstream", "include_past", "include_future"), False)
        request |= {"dry_run": False, "only_failed": False, "run_on_latest_version": False}
        request |= {"prevent_running_task": True}
        return int(self._call("POST", f"{_API}/dags/{dag_id}/clearTaskInstances", json=request).json()["total_entries"])

    def clear_run(self, dag_id: str, run_id: str) -> None:
        """Clear all of a run, with the UI's own request."""
        request = {"dry_run": False, "only_failed": False, "only_new": False, "run_on_latest_version": False}
        self._call("POST", f"{_API}/dags/{dag_id}/dagRuns/{quote(run_id)}/clear", json=request)

    def mark(self, dag_id: str, run_id: str, task_id: str, map_index: int, state: str) -> None:
        """Set the state of one instance of a mapped task, as a person does in the UI."""
        path = f"{_API}/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/{map_index}"
        self._call("PATCH", path, json={"new_state": state})

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _get(self, path: str) -> dict[str, Any]:
        body: dict[str, Any] = self._call("GET", f"{_API}{path}").json()
        return body

    def _find(self, path: str) -> dict[str, Any] | None:
        try:
            return self._get(path)
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise

    def _call(self, method: str, path: str, json: Mapping[str, Any] | None = None) -> httpx.Response:
        try:
            answer = self._http.request(method, path, json=json)
        except httpx.HTTPError as error:
            raise ApiError(f"Airflow does not answer {method} {path}: {error!r}.") from None
        if answer.is_error:
            raise ApiError(
                f"Airflow answers {answer.status_code} to {method} {path}: {answer.text}", answer.status_code
            )
        return answer
