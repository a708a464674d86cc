"""The archive as a DAG: a GCS and an S3 that are reached by connections, pairs in a folder, real workers."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage

from darkroom.archive.names import versions_prefix
from darkroom.settings import settings
from darkroom.store import Store, open_store
from darkroom.store.access import Access
from tests.dags.tiny_studio import Run, parse_dags, run_dag
from tests.servers.fault_proxy import FaultProxy
from tests.servers.faults import Corrupt
from tests.servers.gcs import gcs_emulator
from tests.servers.moto import moto_s3

DAG = "gcs_archive_sync"
CLOUD, MIRROR, VERSIONS = "studio-cloud", "studio-mirror", "studio-versions"
SECRETS = ("the-secret-key-of-s3", "the-private-key-of-gcs")
OLD, NEW = b"the old scan" * 40, b"the new scan" * 50

pytestmark = pytest.mark.usefixtures("dagbag")


@dataclass(frozen=True)
class Clouds:
    """The servers; every request to S3 goes through the proxy."""

    gcs: str
    s3: Access
    proxy: FaultProxy


@pytest.fixture(scope="module")
def clouds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clouds]:
    with (
        gcs_emulator(tmp_path_factory.mktemp("gcs")) as gcs,
        moto_s3() as server,
        FaultProxy(server.endpoint) as proxy,
    ):
        client = storage.Client("tests", AnonymousCredentials(), client_options={"api_endpoint": gcs})
        client.create_bucket(CLOUD)
        for bucket in (MIRROR, VERSIONS):
            server.with_bucket(bucket)
        yield Clouds(gcs, Access(server.environment()), proxy)


@dataclass(frozen=True)
class World:
    """A deployment with pairs below a prefix of its own, which the buckets have for each test."""

    root: Path
    clouds: Clouds
    prefix: str

    @property
    def pairs(self) -> Path:
        return self.root / "pairs"

    @property
    def source(self) -> Store:
        return open_store(f"gs://{CLOUD}/{self.prefix}")

    def mirrored(self, name: str = "maps") -> dict[str, bytes]:
        """What stands in a pair's mirror."""
        return contents(open_store(f"s3://{MIRROR}/{self.prefix}/{name}", self.clouds.s3))

    def kept(self, key: str, name: str = "maps") -> list[bytes]:
        """Every version of an object."""
        store = open_store(f"s3://{VERSIONS}/{self.prefix}/{name}", self.clouds.s3)
        return [store.read(entry.key) for entry in store.list(versions_prefix(key))]

    def pair(self, name: str = "maps", **fields: object) -> None:
        """A pair of the objects below `<name>/`; their copies have the same names."""
        buckets = {"from": f"gs://{CLOUD}", "to": f"s3://{MIRROR}", "archive": f"s3://{VERSIONS}"}
        places = {key: f"{bucket}/{self.prefix}" for key, bucket in buckets.items()}
        places |= {key: f"{places[key]}/{name}" for key in ("to", "archive")}
        self.pairs.mkdir(exist_ok=True)
        (self.pairs / f"{name}.yaml").write_text(json.dumps({**places, "prefix": f"{name}/", **fields}))

    def put(self, **objects: bytes) -> None:
        """Objects of the pair `maps`."""
        for name, data in objects.items():
            self.source.write(f"maps/{name}.tif", data)


def contents(store: Store) -> dict[str, bytes]:
    return {entry.key: store.read(entry.key) for entry in store.list()}


@pytest.fixture
def world(
    clouds: Clouds,
    nothing_but_connections: None,
    connect: Callable[..., None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[World]:
    endpoint = {"endpoint_url": clouds.proxy.endpoint, "region_name": "us-east-1"}
    connect("aws_default", login="AKIA", password=SECRETS[0], extra=endpoint)
    key = {"type": "service_account", "client_email": "darkroom@studio.example", "private_key": SECRETS[1]}
    connect("google_cloud_default", extra={"keyfile_dict": key})
    made = World(tmp_path, clouds, tmp_path.name)
    variables = {
        "STORAGE_EMULATOR_HOST": clouds.gcs,  # which no connection can say, and which takes any key
        "DARKROOM_STUDIO_STORE": str(tmp_path / "studio"),
        "DARKROOM_PAIRS_DIR": str(made.pairs),
        "DARKROOM_ENVIRONMENT": "stage",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield made
    clouds.proxy.clear()
    monkeypatch.undo()
    settings.cache_clear()


def counts(run: Run) -> tuple[int, ...]:
    return tuple(run.report[name] for name in ("planned", "done", "skipped", "refused", "failed"))


def alerts(run: Run) -> dict[str, str]:
    """What is sent when a run has failed, by subject."""
    from darkroom.alerting.message import Message
    from darkroom_airflow.alerts import RunAlert

    sent: dict[str, str] = {}

    class Alert(RunAlert):
        def send(self, message: Message, *others: Any) -> None:
            sent[message.subject] = message.text

    ti = SimpleNamespace(xcom_pull=lambda task_ids, key: run.xcoms.get((task_ids, key)))
    Alert()({"dag": parse_dags().dags[DAG], "run_id": run.run_id, "reason": "task_failure", "ti": ti})
    return sent


def note(run: Run) -> str:
    """The note that a failed run gets from the scheduler, in the place of which it is asked for here."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session

    from darkroom_airflow.notes import on_dag_run_failed

    with create_session() as session:
        failed = session.query(DagRun).filter_by(dag_id=DAG, run_id=run.run_id).one()
        on_dag_run_failed(failed, "")
        return failed.note or ""


@pytest.mark.slow
def test_all_is_copied_by_connections_alone_and_the_next_hour_finds_everything_in_place(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    world.pair()
    world.pair("prints")
    world.put(a=OLD, b=NEW)
    world.source.write("prints/c.tif", OLD)
    run = run_dag(DAG, {})
    assert run.state == "success", run.report
    assert world.mirrored() == {"maps/a.tif": OLD, "maps/b.tif": NEW}
    assert world.mirrored("prints") == {"prints/c.tif": OLD}
    assert world.kept("maps/a.tif") == [OLD]
    assert counts(run) == (3, 3, 0, 0, 0)
    assert run.labels == ["maps: 2 objects", "prints: 1 object"]
    assert run.xcoms["plan", "counts"]["todo"] == 3

    log = capfd.readouterr()
    texts = [log.out, log.err, json.dumps(list(run.xcoms.values()))]
    texts += [path.read_text(errors="replace") for path in world.root.rglob("*") if path.is_file()]
    assert "starting the worker" in "".join(texts)
    for secret in SECRETS:
        assert not [text for text in texts if secret in text]
    for task in ("plan", "run", "settle", "report"):
        passed_on = {key: value for (of, key), value in run.xcoms.items() if of == task}
        assert_only_uris_labels_and_counts(passed_on)

    again = run_dag(DAG, {})
    assert (again.state, counts(again)) == ("success", (3, 0, 3, 0, 0))
    assert again.labels == []


def assert_only_uris_labels_and_counts(passed_on: object) -> None:
    if isinstance(passed_on, dict | list):
        for value in passed_on.values() if isinstance(passed_on, dict) else passed_on:
            assert_only_uris_labels_and_counts(value)
    else:
        short = isinstance(passed_on, str) and ("file://" in passed_on or len(passed_on) < 40)
        assert short or isinstance(passed_on, int | None), passed_on


def test_it_starts_every_hour_or_when_the_deployment_says_with_the_pairs_to_choose_from(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pair()
    world.pair("prints")
    dag = parse_dags().dags[DAG]
    assert (dag.timetable.expression, dag.timetable.timezone, dag.max_active_runs) == ("0 * * * *", "UTC", 1)
    assert dict(dag.params) == {"mode": "changed", "pairs": [], "prefix": "", "verify": None, "wordpress": True}
    assert dag.params.get_param("pairs").schema["examples"] == ["maps", "prints"]
    monkeypatch.setenv("DARKROOM_ARCHIVE_AT", "20 */3 * * *")
    settings.cache_clear()
    assert parse_dags().dags[DAG].timetable.expression == "20 */3 * * *"


def test_a_changed_object_replaces_its_copy_and_the_version_before_is_kept(world: World) -> None:
    world.pair()
    world.put(a=OLD)
    run_dag(DAG, {})
    world.put(a=NEW)
    assert run_dag(DAG, {}).state == "success"
    assert world.mirrored() == {"maps/a.tif": NEW}
    assert world.kept("maps/a.tif") == [OLD, NEW]


def test_pairs_that_cannot_run_are_said_and_make_the_run_red_and_stop_no_other(world: World) -> None:
    world.pair()
    world.pair("broken", verify="never")
    world.pair("elsewhere", to="s3://no-such-bucket-of-ours")
    world.pair("others", environment="prod")
    world.put(a=OLD)
    world.source.write("others/b.tif", OLD)
    world.source.write("elsewhere/c.tif", OLD)
    run = run_dag(DAG, {})
    assert run.state == "failed"
    assert run.tasks["plan"] == run.tasks["run[0]"] == run.tasks["settle"] == "success"
    assert world.mirrored() == {"maps/a.tif": OLD}
    broken, missing = run.report["problems"]
    assert "broken.yaml, line 1: verify: " in broken
    assert missing.startswith("elsewhere: s3://no-such-bucket-of-ours: there is no such bucket")
    assert world.mirrored("others") == {}
    (said,) = run.report["findings"]
    assert said.startswith("others: it is a pair of prod, and this deployment is stage")
    (text,) = alerts(run).values()
    assert broken in text
    assert missing in text


def test_the_form_narrows_a_run_and_mode_plan_only_says_what_would_be_done(world: World) -> None:
    world.pair()
    world.pair("prints")
    world.put(a=OLD)
    world.source.write("maps/18/b.tif", OLD)
    world.source.write("prints/18.tif", OLD)
    form = {"pairs": [" maps", ""], "prefix": "maps/18", "verify": "store's checksum", "wordpress": False}
    planned = run_dag(DAG, {**form, "mode": "plan"})
    assert (planned.state, planned.report["todo"]) == ("success", 1)
    assert world.mirrored() == {}
    done = run_dag(DAG, {**form, "mode": "changed"})
    assert (done.state, counts(done)) == ("success", (1, 1, 0, 0, 0))
    assert world.mirrored() == {"maps/18/b.tif": OLD}
    assert world.mirrored("prints") == {}
    (job,) = (json.loads(path.read_text()) for path in (done.plan / "jobs").iterdir())
    assert job["pair"]["verify"] == "store's checksum"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            {"prefix": "/maps/18"},
            "prefix: '/maps/18' begins with a slash, and no object's name does: a prefix is a GCS",
        ),
        ({"pairs": ["map"]}, "pairs: 'map' is no pair; there are maps in "),
    ],
)
def test_what_cannot_be_meant_is_refused_and_the_runs_note_says_why(
    world: World, typed: dict[str, object], said: str
) -> None:
    world.pair()
    world.put(a=OLD)
    run = run_dag(DAG, typed)
    assert run.state == "failed"
    assert run.tasks["plan"] == "failed"
    assert run.xcoms["plan", "problems"][0].startswith(said)
    assert note(run).startswith(f"Refused: {said}")
    assert world.mirrored() == {}


@pytest.mark.slow
def test_hashes_that_do_not_match_make_the_alert_one_of_their_own_kind_with_both(world: World) -> None:
    """S3 says that it has stored what it was sent, and gives something else."""
    world.pair()
    world.put(a=OLD, b=NEW)
    world.clouds.proxy.inject(Corrupt(50), times=1000, method="GET", path=rf"/{MIRROR}/.*/maps/a\.tif")
    run = run_dag(DAG, {})
    assert run.state == "failed"
    assert counts(run) == (2, 1, 0, 0, 1)
    (failed,) = run.report["not_done"]
    assert (failed["item"], failed["kind"]) == ("maps/maps/a.tif", "mismatch")
    ((subject, text),) = alerts(run).items()
    assert subject == f"{DAG}: hashes do not match: 1 object (Archive · maps)"
    wrong = OLD[:50] + bytes([OLD[50] ^ 1]) + OLD[51:]
    for content in (OLD, wrong):
        assert hashlib.md5(content, usedforsecurity=False).hexdigest() in text
    world.clouds.proxy.clear()
    assert run_dag(DAG, {}).state == "success"
    assert world.kept("maps/a.tif") == [OLD]


def test_a_deployment_without_pairs_has_nothing_to_do_and_says_so(world: World) -> None:
    run = run_dag(DAG, {})
    assert (run.state, counts(run)) == ("success", (0, 0, 0, 0, 0))
    assert run.report["findings"] == ["There is no pair to archive: put a YAML file into DARKROOM_PAIRS_DIR."]
