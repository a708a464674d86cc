"""A person's yes under a real Airflow and PostgreSQL: asked, given by Airflow's API, and bound to the list it is about.

The tests tell one story, in order: each finds what the ones before it have left.
"""

import io
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from darkroom.approvals import Approval, approval
from darkroom.plan_folder import PlanFolder
from demo.layout import Layout
from demo.rest import AirflowApi
from demo.studio import Studio
from demo.watch import FINISHED

# answers are tested without a scheduler in tests/dags/test_approval.py, and with one, once, in test_whole_studio.py
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.long]

DAG = "local_s3_sync"
FIRST_PORT = 18980
GUARD = 2


class Shops:
    """A running studio with a folder of photos and its copy, and what the tests ask of it."""

    def __init__(self, studio: Studio, api: AirflowApi, root: Path) -> None:
        self.studio, self.api, self.root = studio, api, root

    @property
    def folder(self) -> Path:
        return self.root / "shops/stores/corner/photos"

    def copied(self) -> set[int]:
        return {int(path.stem) for path in (self.root / "copy/stores").rglob("*.jpg")}

    def remove(self, *numbers: int) -> None:
        for number in numbers:
            (self.folder / f"{number}.jpg").unlink()

    def until(self, what: Callable[[], Any], seconds: float = 300) -> Any:
        end = time.monotonic() + seconds
        while not (found := what()):
            self.studio.check_alive()
            assert time.monotonic() < end, "not in time"
            time.sleep(0.3)
        return found

    def sync(self) -> str:
        return self.api.trigger(DAG, {"mode": "sync"})

    def state(self, run_id: str, task: str) -> str:
        return next((str(one["state"]) for one in self.api.tasks(DAG, run_id) if one["task_id"] == task), "")

    def question(self, run_id: str) -> dict[str, Any]:
        """What a person sees, once it waits.

        They may answer at once: a scheduler that has not heard yet that the task's process has ended then takes the
        task for lost, and its next try, in half a minute, takes that answer.
        """
        self.until(lambda: self.state(run_id, "approve") == "awaiting_input")
        return self.api._get(self._path(run_id))

    def answer(self, run_id: str, choice: str) -> None:
        self.api._call("PATCH", f"/api/v2{self._path(run_id)}", json={"chosen_options": [choice]})

    def end(self, run_id: str) -> str:
        self.until(lambda: self.api.run_state(DAG, run_id) in FINISHED)
        return self.api.run_state(DAG, run_id)

    def given(self, run_id: str) -> Approval:
        found = approval(PlanFolder.at(self.api.xcom(DAG, run_id, "plan", "plan_uri")))
        assert found is not None
        return found

    @staticmethod
    def _path(run_id: str) -> str:
        return f"/dags/{DAG}/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"


@pytest.fixture(scope="module")
def shops(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shops]:
    root = tmp_path_factory.mktemp("shops")
    (root / "profiles").mkdir()
    profile = {"from": str(root / "shops"), "to": str(root / "copy"), "guards": {"objects": GUARD, "percent": 100}}
    (root / "profiles/shops.yaml").write_text(json.dumps(profile))
    deployment = {
        "DARKROOM_PROFILES_DIR": str(root / "profiles"),
        "DARKROOM_SYNC_CACHE": str(root / "cache"),
        # none by itself for hours
        "DARKROOM_SYNC_AT": time.strftime("%H:%M", time.gmtime(time.time() + 12 * 3600)),
    }
    studio = Studio(Layout(root / "var"), FIRST_PORT, deployment)
    try:
        studio.start(lambda text: None)
        studio.make_pools()
        studio.wait_for_dag(DAG)
        with studio.api() as api:
            made = Shops(studio, api, root)
            made.folder.mkdir(parents=True)
            for number in range(1, 13):
                data = io.BytesIO()
                Image.new("RGB", (16, 16), (number, 90, 40)).save(data, "JPEG")
                (made.folder / f"{number}.jpg").write_bytes(data.getvalue())
            made.until(lambda: api.active(DAG) == 0)  # the one of yesterday, which Airflow starts by itself
            assert made.end(api.trigger(DAG, {})) == "success"
            yield made
    finally:
        studio.stop()


def test_what_is_approved_is_removed(shops: Shops) -> None:
    shops.remove(1, 2, 3)
    run_id = shops.sync()
    asked = shops.question(run_id)
    assert asked["options"] == ["Approve", "Reject"]
    assert asked["defaults"] == ["Reject"]
    for number in (1, 2, 3):
        assert f"- stores/corner/photos/{number}.jpg\n" in asked["body"]
    assert shops.copied() == set(range(1, 13))
    shops.answer(run_id, "Approve")
    assert shops.end(run_id) == "success"
    assert shops.given(run_id).approved
    assert shops.given(run_id).by
    assert shops.copied() == set(range(4, 13))


def test_what_is_rejected_stays_and_no_task_fails_or_is_skipped(shops: Shops) -> None:
    shops.remove(4, 5, 6)
    run_id = shops.sync()
    shops.question(run_id)
    shops.answer(run_id, "Reject")
    assert shops.end(run_id) == "success"
    assert {one["state"] for one in shops.api.tasks(DAG, run_id)} == {"success"}
    assert not shops.given(run_id).approved
    assert shops.copied() == set(range(4, 13))


def test_another_plan_of_the_same_run_is_not_approved_by_the_list_of_the_first(shops: Shops) -> None:
    """Airflow shows the first plan's list again (apache/airflow#73235); the guard is for mistakes just like that."""
    run_id = shops.sync()
    assert "photos/6.jpg" in shops.question(run_id)["body"]
    shops.remove(7, 8, 9, 10, 11)
    shops.api.clear(DAG, run_id, "plan")
    assert shops.end(run_id) == "success"
    assert not shops.given(run_id).approved
    assert "earlier plan" in shops.given(run_id).why
    assert shops.copied() == set(range(4, 13))


def test_a_new_run_asks_about_what_is_so_now(shops: Shops) -> None:
    run_id = shops.sync()
    assert "photos/11.jpg" in shops.question(run_id)["body"]
    shops.answer(run_id, "Approve")
    assert shops.end(run_id) == "success"
    assert shops.copied() == {12}
