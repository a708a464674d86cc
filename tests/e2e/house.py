"""A whole studio with one tiny style, and what its tests ask of it."""

import json
import time
from pathlib import Path
from typing import Any

from demo.rest import AirflowApi
from demo.studio import Studio
from demo.watch import FINISHED

DAG = "combination_compositing"
Files = dict[str, tuple[int, int]]


class House:
    """A running studio with one tiny style, and what the tests ask of it."""

    def __init__(self, studio: Studio, api: AirflowApi) -> None:
        self.studio, self.api, self.bucket = studio, api, studio.layout.bucket

    def run(self, **conf: Any) -> tuple[str, str]:
        """Trigger a run and wait for its end; returns its id and state."""
        run_id = self.api.trigger(DAG, {"style": "tiny", "approval": "none", **conf})
        return run_id, self.wait(run_id)

    def wait(self, run_id: str, seconds: float = 300) -> str:
        until = time.monotonic() + seconds
        while (state := self.api.run_state(DAG, run_id)) not in FINISHED:
            self.studio.check_alive()
            assert time.monotonic() < until, f"{run_id} is still {state}"
            time.sleep(0.3)
        return state

    def clear(self, run_id: str, task_id: str) -> str:
        """Clear a task with all after it, as the operator does in the UI; returns the state in which the run ends."""
        assert self.api.clear(DAG, run_id, task_id) > 0
        return self.wait(run_id)

    def plan(self, run_id: str) -> Path:
        """The folder of a run's latest plan."""
        return Path(self.api.xcom(DAG, run_id, "plan", "plan_uri").removeprefix("file://"))

    def report(self, run_id: str) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.plan(run_id) / "report.json").read_bytes())
        return report

    def states(self, run_id: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for task in self.api.tasks(DAG, run_id):
            found.setdefault(task["task_id"], set()).add(task["state"])
        return found

    def log(self, run_id: str, task_id: str) -> str:
        """What a task said in its last try, with its failure."""
        folder = self.studio.layout.airflow / "logs" / f"dag_id={DAG}" / f"run_id={run_id}" / f"task_id={task_id}"
        return "".join(path.read_text() for path in sorted(folder.rglob("attempt=*.log")))

    def picture(self, name: str, cut: str = "800x800") -> Path:
        return self.bucket / "renders" / "composites" / "tiny" / cut / f"{name}.png"

    def files(self, cut: str = "800x800") -> Files:
        """Every picture of a cut with its file's identity: inode and time of its last change."""
        found = self.picture("any", cut).parent.glob("*.png")
        return {path.stem: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}
