"""The sync as a DAG: folders of this machine, an S3 that is reached by a connection, real workers, and a person."""

import io
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from darkroom.approvals import approval
from darkroom.plan_folder import PlanFolder
from darkroom.settings import settings
from darkroom.store import open_store
from darkroom.store.access import Access
from tests.dags.person import APPROVE, REJECT, somebody
from tests.dags.tiny_studio import Run, parse_dags, run_dag
from tests.servers.moto import moto_s3
from tests.servers.s3 import S3Server

DAG = "local_s3_sync"
SECRET = "the-secret-key-of-s3"
ALL_RAN = {"plan": "success", "approve": "success", "settle": "success", "report": "success"}

pytestmark = pytest.mark.usefixtures("dagbag")


def photo(shade: int = 0) -> bytes:
    """A small JPEG; another one for each shade."""
    data = io.BytesIO()
    Image.new("RGB", (16, 16), (shade * 20 % 256, 90, 40)).save(data, "JPEG")
    return data.getvalue()


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    with moto_s3() as server:
        yield server


@dataclass(frozen=True)
class World:
    """A deployment with folders to sync, and a bucket of its own for each test."""

    root: Path
    server: S3Server
    bucket: str

    @property
    def profiles(self) -> Path:
        return self.root / "profiles"

    def profile(self, name: str = "shops", **fields: object) -> None:
        """A profile of the folder `<name>`, which goes below `<name>/` of the bucket."""
        self.profiles.mkdir(exist_ok=True)
        places = {"from": str(self.root / name), "to": f"s3://{self.bucket}/{name}"}
        (self.profiles / f"{name}.yaml").write_text(json.dumps({**places, **fields}))

    def file(self, number: int, data: bytes, shop: str = "corner", name: str = "shops") -> Path:
        path = self.root / name / f"stores/{shop}/photos/{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def files(self, count: int) -> list[Path]:
        return [self.file(number, photo(number)) for number in range(1, count + 1)]

    def uploaded(self, name: str = "shops") -> dict[str, bytes]:
        """What stands in the bucket, by the path in the folder."""
        return self._below(f"{name}/")

    def set_aside(self) -> list[bytes]:
        return sorted(self._below("removed/").values())

    def _below(self, prefix: str) -> dict[str, bytes]:
        store = open_store(f"s3://{self.bucket}", Access(self.server.environment()))
        return {entry.key.removeprefix(prefix): store.read(entry.key) for entry in store.list(prefix)}


@pytest.fixture
def world(
    s3: S3Server,
    nothing_but_connections: None,
    connect: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    bucket = f"shops-{abs(hash(tmp_path)):x}"
    s3.with_bucket(bucket)
    connect(
        "aws_default",
        login="AKIA",
        password=SECRET,
        extra={"endpoint_url": s3.endpoint, "region_name": "us-east-1"},
    )
    made = World(tmp_path, s3, bucket)
    variables = {
        "DARKROOM_STUDIO_STORE": str(tmp_path / "studio"),
        "DARKROOM_PROFILES_DIR": str(made.profiles),
        "DARKROOM_SYNC_CACHE": str(tmp_path / "cache"),
        "DARKROOM_ENVIRONMENT": "stage",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield made
    monkeypatch.undo()
    settings.cache_clear()


def names(*numbers: int) -> set[str]:
    return {f"stores/corner/photos/{number}.jpg" for number in numbers}


def counts(run: Run) -> tuple[int, ...]:
    return tuple(run.report[name] for name in ("planned", "done", "skipped", "refused", "failed"))


def answered(run: Run) -> tuple[bool, str, str]:
    given = approval(PlanFolder.at(run.xcoms["plan", "plan_uri"]))
    assert given is not None
    return given.approved, given.by, given.why


@pytest.fixture
def beyond(world: World) -> World:
    """Ten files stand in the bucket, six of them are gone from the folder since, and one is new."""
    world.profile(guards={"objects": 5, "percent": 100})
    paths = world.files(10)
    assert run_dag(DAG, {}).state == "success"
    for path in paths[:6]:
        path.unlink()
    world.file(11, photo(11))
    return world


def test_the_form_and_the_schedule(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.profile()
    world.profile("menus")
    monkeypatch.setenv("DARKROOM_SYNC_AT", "22:15")
    monkeypatch.setenv("DARKROOM_SYNC_QUEUE", "folders")
    settings.cache_clear()
    dag = parse_dags().dags[DAG]
    assert dict(dag.params) == {"mode": "copy", "profile": "", "max_delete": "", "cache": True}
    assert dag.params.get_param("profile").schema["examples"] == ["menus", "shops"]
    assert (dag.timetable.expression, dag.timetable.timezone) == ("15 22 * * *", "UTC")
    assert dag.max_active_runs == 1
    queues = {task.task_id: task.queue for task in dag.tasks}
    assert queues == {
        "plan": "folders",
        "run": "folders",
        "approve": "default",
        "settle": "default",
        "report": "default",
    }


@pytest.mark.parametrize("typed", ["", "0", "50", "5%", None])
def test_the_guard_is_a_number_or_a_share(typed: str | None) -> None:
    from darkroom_airflow import forms

    assert forms.max_delete("How").resolve(typed) == typed


@pytest.mark.parametrize("typed", ["many", "-1", "5 %", "%", "5%%", "1.5%"])
def test_what_is_no_guard_cannot_be_typed(typed: str) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    from darkroom_airflow import forms

    with pytest.raises(ParamValidationError):
        forms.max_delete("How").resolve(typed)


@pytest.mark.slow
def test_every_enabled_folder_is_uploaded_by_the_connection_alone_and_the_next_day_finds_all_in_place(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    world.profile()
    world.profile("menus")
    world.profile("idle", enabled=False)
    world.files(2)
    world.file(1, photo(7), name="menus")
    world.file(1, photo(8), name="idle")
    run = run_dag(DAG, {})
    assert run.state == "success", run.report
    assert world.uploaded() == {name: photo(at) for at, name in enumerate(sorted(names(1, 2)), 1)}
    assert set(world.uploaded("menus")) == names(1)
    assert world.uploaded("idle") == {}
    assert counts(run) == (3, 3, 0, 0, 0)
    log = capfd.readouterr()
    texts = [log.out, log.err, json.dumps(list(run.xcoms.values()))]
    texts += [path.read_text(errors="replace") for path in world.root.rglob("*") if path.is_file()]
    assert not [text for text in texts if SECRET in text]
    assert not [key for task, key in run.xcoms if task == "approve" and not key.startswith("skip")]

    again = run_dag(DAG, {})
    assert (again.state, counts(again)) == ("success", (3, 0, 3, 0, 0))


def test_a_file_that_is_no_photo_is_refused_and_the_others_go_up(world: World) -> None:
    world.profile()
    world.files(1)
    world.file(2, b"<html>not found</html>")
    run = run_dag(DAG, {})
    assert run.state == "failed"
    assert set(world.uploaded()) == names(1)
    (refused,) = run.report["not_done"]
    assert refused["item"].endswith("stores/corner/photos/2.jpg")


def test_the_form_narrows_a_run_and_mode_plan_only_says_what_a_sync_would_do(world: World) -> None:
    world.profile()
    world.profile("menus")
    world.files(1)
    world.file(1, photo(7), name="menus")
    planned = run_dag(DAG, {"mode": "plan", "profile": "menus", "max_delete": None})
    assert (planned.state, planned.report["todo"]) == ("success", 1)
    assert world.uploaded("menus") == {}
    assert run_dag(DAG, {"profile": "menus", "cache": False}).state == "success"
    assert set(world.uploaded("menus")) == names(1)
    assert world.uploaded() == {}


def test_a_copy_removes_nothing(beyond: World) -> None:
    run = run_dag(DAG, {"mode": "copy"})
    assert run.state == "success"
    assert set(beyond.uploaded()) == names(*range(1, 12))


def test_a_sync_within_its_guard_asks_nobody(beyond: World) -> None:
    with somebody(DAG, REJECT) as seen:
        run = run_dag(DAG, {"mode": "sync", "max_delete": "6"})
    assert run.state == "success", run.report
    assert seen.asked == 0
    assert set(beyond.uploaded()) == names(7, 8, 9, 10, 11)
    assert beyond.set_aside() == sorted(photo(number) for number in range(1, 7))


def test_a_sync_beyond_its_guard_shows_the_list_and_removes_it_once_approved(beyond: World) -> None:
    with somebody(DAG, APPROVE) as seen:
        run = run_dag(DAG, {"mode": "sync"})
    assert run.state == "success", run.report
    assert seen.asked == 1
    assert "6" in seen.subject
    for name in names(1, 2, 3, 4, 5, 6):
        assert f"- {name}\n" in seen.body
    assert "photos/7.jpg" not in seen.body
    assert answered(run) == (True, "Ann", "")
    assert set(beyond.uploaded()) == names(7, 8, 9, 10, 11)
    assert beyond.set_aside() == sorted(photo(number) for number in range(1, 7))


@pytest.mark.parametrize(
    ("choice", "given"),
    [(REJECT, (False, "Ann", "")), ("", (False, "", "nobody answered within 24 hours"))],
    ids=["rejected", "timed out"],
)
def test_without_a_yes_nothing_is_removed_all_else_is_done_and_the_report_tells_it(
    beyond: World, choice: str, given: tuple[bool, str, str]
) -> None:
    with somebody(DAG, choice):
        run = run_dag(DAG, {"mode": "sync"})
    assert run.state == "success", run.report
    assert {task: run.tasks[task] for task in ALL_RAN} == ALL_RAN
    assert all(state == "success" for task, state in run.tasks.items() if task.startswith("run"))
    assert answered(run) == given
    assert set(beyond.uploaded()) == names(*range(1, 12))
    assert beyond.set_aside() == []
    assert "6 objects were not removed" in " ".join(run.report["findings"])


def test_a_sync_that_is_only_planned_asks_nobody(beyond: World) -> None:
    with somebody(DAG, APPROVE) as seen:
        run = run_dag(DAG, {"mode": "plan"})
    assert (run.state, seen.asked) == ("success", 0)
    assert set(beyond.uploaded()) == names(*range(1, 11))


def test_a_folder_that_is_gone_is_refused_and_nobody_is_asked(beyond: World) -> None:
    shutil.rmtree(beyond.root / "shops")
    with somebody(DAG, APPROVE) as seen:
        run = run_dag(DAG, {"mode": "sync"})
    assert run.state == "failed"
    assert (run.tasks["plan"], run.tasks["approve"], seen.asked) == ("failed", "upstream_failed", 0)
    assert set(beyond.uploaded()) == names(*range(1, 11))


def test_a_name_that_is_no_profile_is_refused_with_those_that_are(world: World) -> None:
    world.profile()
    run = run_dag(DAG, {"profile": "shop"})
    assert run.state == "failed"
    assert run.xcoms["plan", "problems"][0].startswith("profile: 'shop' is no profile; there are shops in ")


def test_a_folder_on_another_machine_needs_no_runner_of_its_own(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The deployment's other workers are on ECS; these are processes, as the folder is here."""
    monkeypatch.setenv("DARKROOM_JOB_RUNNER", "ecs")
    settings.cache_clear()
    run: Any = parse_dags().dags[DAG].get_task("run")
    assert run.operator_class.__name__ == "SubprocessJobOperator"
