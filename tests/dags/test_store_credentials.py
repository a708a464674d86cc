"""Credentials from Airflow's connections reach the stores and the workers, and nothing else."""

import json
import os
import secrets
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.log import redact

from darkroom import keys
from darkroom.errors import BadInput
from darkroom.store import Store, open_store
from darkroom.store.aws_session import aws_session
from darkroom.store.transfer import transfer, under_same_keys
from darkroom_airflow.credentials import StoreAccess
from tests.dags.tiny_studio import CUTS, ROOT, Studio, run_dag
from tests.servers import moto, radosgw
from tests.servers.s3 import S3Server

pytestmark = pytest.mark.usefixtures("nothing_but_connections")

DAG_ID = "combination_compositing"
BUCKET = "studio"


def changes(*locations: str) -> dict[str, str | None]:
    """In what the environment of a worker would differ from this process's, which stays as it is."""
    before = dict(os.environ)
    with StoreAccess() as stores:
        given = stores.reach(*locations).environment()
        assert dict(os.environ) == before
    return {name: given.get(name) for name in before.keys() | given if before.get(name) != given.get(name)}


def changed_from_now_on(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the variables that this process will have set or removed in its own environment."""
    names: list[str] = []

    def noting(own: Callable[..., None]) -> Callable[..., None]:
        return lambda name, *value: (names.append(os.fsdecode(name)), own(name, *value))[-1]

    for call in ("putenv", "unsetenv"):
        monkeypatch.setattr(os, call, noting(getattr(os, call)))
    return names


# a whole run on an S3 that lets nobody in without the right key


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    if not radosgw.available():
        if os.environ.get("CI"):
            pytest.fail("Ceph's radosgw is not installed, and CI may not go without it.")
        pytest.skip("Ceph's radosgw is not installed: apt-get install ceph-mon ceph-mgr ceph-osd radosgw ceph-common")
    with radosgw.radosgw(tmp_path_factory.mktemp("radosgw")) as server:
        session = boto3.Session(server.access_key, server.secret_key, region_name="us-east-1")
        session.client("s3", endpoint_url=server.endpoint).create_bucket(Bucket=BUCKET)
        yield server


@pytest.fixture
def house(gateway: S3Server, studio: Studio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A studio's store in the bucket with its renders in it, for the tests' own eyes; the DAG knows its address."""
    from darkroom.settings import settings

    Studio(studio.styles, tmp_path).draw("tiny-dress")
    with pytest.MonkeyPatch.context() as own:
        for name, value in gateway.environment().items():
            own.setenv(name, value)
        store = open_store(f"s3://{BUCKET}/{secrets.token_hex(4)}")
        renders = open_store(str(tmp_path))
        moves = under_same_keys(renders.list("renders/"))
        assert not [moved.reason for moved in transfer(renders, store, moves) if moved.reason]
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", store.uri)
    settings.cache_clear()
    yield store
    monkeypatch.undo()
    settings.cache_clear()


def aws_default(server: S3Server, secret: str) -> dict[str, Any]:
    extra = {"endpoint_url": server.endpoint, "region_name": "us-east-1"}
    return {"login": server.access_key, "password": secret, "extra": extra}


@pytest.mark.usefixtures("dagbag")
def test_the_whole_dag_works_on_s3_with_nothing_but_a_connection_and_keeps_its_secret(
    house: Store,
    gateway: S3Server,
    connect: Callable[..., None],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    dagbag: Any,
) -> None:
    connect("aws_default", **aws_default(gateway, gateway.secret_key))
    changed = changed_from_now_on(monkeypatch)
    run = run_dag(DAG_ID, {"style": "tiny-dress", "lengths": ["maxi"], "sides": ["back"], "colours": "1"})
    assert run.state == "success"
    assert [name for name in changed if name.startswith("AWS_")] == []

    there = [entry.key for entry in house.list()]
    for cut in CUTS:
        made = [key for key in there if key.startswith(keys.cut_prefix("tiny-dress", cut))]
        assert len(made) == 3, cut  # combinations in Maxi
    assert run.xcoms["plan", "plan_uri"].startswith(house.uri)

    secret = gateway.secret_key.encode()
    papers = [key for key in there if key.startswith(("work/", "state/"))]
    for paper in (keys.MANIFEST, keys.job(1), keys.outcome_batch(1, 1), keys.REPORT_JSON, keys.REPORT_HTML):
        assert any(key.endswith(f"/{paper}") for key in papers), paper
    assert [key for key in papers if secret in house.read(key)] == []
    assert gateway.secret_key not in json.dumps(list(run.xcoms.values()))
    log = capfd.readouterr()
    assert "starting the worker" in log.out + log.err
    assert gateway.secret_key not in log.out + log.err
    written = [path for path in Path(os.environ["AIRFLOW_HOME"]).rglob("*") if path.is_file()]
    assert [path for path in written if secret in path.read_bytes()] == []

    from darkroom.alerting.message import Message
    from darkroom_airflow.alerts import RunAlert

    sent: list[str] = []

    class Alert(RunAlert):
        def send(self, message: Message, *others: Any) -> None:
            sent.append(message.text)

    ti = SimpleNamespace(xcom_pull=lambda task_ids, key: run.xcoms.get((task_ids, key)))
    Alert()({"dag": dagbag.dags[DAG_ID], "run_id": run.run_id, "reason": "timed_out", "ti": ti})
    assert run.xcoms["report", "report_uri"] in sent[0]
    assert "There is no report" not in sent[0]


@pytest.mark.usefixtures("dagbag", "house")
def test_a_wrong_secret_fails_the_run_at_once_with_a_sentence(
    gateway: S3Server, connect: Callable[..., None], capfd: pytest.CaptureFixture[str]
) -> None:
    connect("aws_default", **aws_default(gateway, "not-the-right-secret"))
    run = run_dag(DAG_ID, {"style": "tiny-dress"})
    after = {"approve": "upstream_failed", "run": "upstream_failed", "settle": "skipped", "report": "failed"}
    assert run.tasks == {"plan": "failed", **after}
    (problem,) = run.xcoms["plan", "problems"]
    assert "S3 refuses access (SignatureDoesNotMatch); check the credentials" in problem
    log = capfd.readouterr()
    assert (log.out + log.err).count(f"- {problem}") >= 2, "plan and report both say it"
    assert "not-the-right-secret" not in log.out + log.err


@pytest.mark.usefixtures("dagbag", "house")
def test_a_connection_that_cannot_be_handed_on_fails_the_run_with_its_sentence(connect: Callable[..., None]) -> None:
    connect("aws_default", login="AKIA")
    run = run_dag(DAG_ID, {"style": "tiny-dress"})
    assert run.tasks["plan"] == "failed"
    assert "one half of its access key is missing" in run.xcoms["plan", "problems"][0]


def test_the_worker_has_the_credentials_and_not_the_connection(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from darkroom_airflow.operators import subprocess_job

    connect("aws_default", login="AKIA", password="the-secret-key", extra={"endpoint_url": "http://127.0.0.1:9"})
    monkeypatch.setattr(subprocess_job, "job_of", lambda uri, access: None)
    code = """
        import os, sys
        secret = "-".join(["the", "secret", "key"])
        holding = [name for name, value in os.environ.items() if secret in value]
        sys.exit(0 if holding == ["AWS_SECRET_ACCESS_KEY"] and not any(secret in word for word in sys.orig_argv) else 2)
    """
    monkeypatch.setattr(subprocess_job, "job_command", lambda uri: [sys.executable, "-c", textwrap.dedent(code)])
    operator = subprocess_job.SubprocessJobOperator(
        task_id="run", job_uri="s3://bucket/jobs/0001.json", job_label="a job"
    )
    operator.execute.__wrapped__(operator, {})  # type: ignore[attr-defined] # without the guard against calls outside a task
    assert redact("it is the-secret-key") == "it is ***", "should a worker ever say it, the log hides it"


def test_a_job_on_a_disk_reaches_the_stores_that_it_names(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from darkroom_airflow.operators import subprocess_job

    connect("aws_default", login="AKIA", password="the-secret-key")
    job = tmp_path / "0001.json"
    head = {"schema_version": 1, "flow": "compositing", "number": 1, "label": "a job", "plan": str(tmp_path)}
    places = {"store": str(tmp_path), "output_store": str(tmp_path), "stores": ["s3://bucket/renders"]}
    job.write_text(json.dumps({**head, **places, "sheets": [{}]}))
    monkeypatch.setattr(
        subprocess_job, "job_command", lambda uri: [sys.executable, "-c", "import os; os.environ['AWS_ACCESS_KEY_ID']"]
    )
    operator = subprocess_job.SubprocessJobOperator(task_id="run", job_uri=str(job), job_label="a job")
    operator.execute.__wrapped__(operator, {})  # type: ignore[attr-defined] # as above


@pytest.mark.parametrize(("where", "read"), [("outputs", ()), ("folder", ("s3://bucket/renders",))])
def test_a_plan_on_a_disk_reaches_the_stores_that_it_names(
    connect: Callable[..., None], tmp_path: Path, where: str, read: tuple[str, ...]
) -> None:
    from datetime import UTC, datetime

    from darkroom.jobs import Manifest, dump
    from darkroom.plan_folder import PlanFolder

    connect("aws_default", login="AKIA", password="the-secret-key")
    outputs = "s3://bucket" if where == "outputs" else str(tmp_path)
    counts = dict.fromkeys(("planned", "skipped", "todo"), 0)
    about = {"flow": "compositing", "mode": "plan", "created": datetime.now(UTC), "title": "a"}
    about |= {"noun": "picture", "run": "a", "subjects": ("a",)}
    folder = PlanFolder(open_store(str(tmp_path)), "plan/")
    places = {"store": str(tmp_path), "output_store": outputs, "stores": read}
    manifest = Manifest.model_validate({**about, **counts, **places, "uri": folder.uri, "request": {}})
    folder.write(keys.MANIFEST, dump(manifest))
    with StoreAccess() as stores:
        reached = stores.reach_plan(folder.uri)
    assert reached.uri == folder.uri
    assert reached.store.access.variables["AWS_ACCESS_KEY_ID"] == "AKIA"


def test_a_worker_is_not_started_with_a_connection_that_cannot_be_handed_on(connect: Callable[..., None]) -> None:
    from darkroom_airflow.operators import subprocess_job

    connect("aws_default", extra={"verify": False})
    operator = subprocess_job.SubprocessJobOperator(
        task_id="run", job_uri="s3://bucket/jobs/0001.json", job_label="a job"
    )
    with pytest.raises(AirflowFailException, match="Darkroom checks certificates"):
        operator.execute.__wrapped__(operator, {})  # type: ignore[attr-defined] # as above


# AWS


def test_keys_take_the_place_of_every_other_identity(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "there-is-none")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-other-keys")
    connect("aws_default", login="AKIA", password="the-secret-key", extra={"region_name": "eu-west-1"})
    assert changes("s3://bucket/renders") == {
        "AWS_ACCESS_KEY_ID": "AKIA",
        "AWS_SECRET_ACCESS_KEY": "the-secret-key",
        "AWS_SESSION_TOKEN": None,
        "AWS_PROFILE": None,
        "AWS_DEFAULT_REGION": "eu-west-1",
    }


def test_a_connections_session_token_endpoint_and_certificate_come_along(connect: Callable[..., None]) -> None:
    extra = {
        "aws_access_key_id": "ASIA",
        "aws_secret_access_key": "the-secret-key",
        "aws_session_token": "the-token",
        "service_config": {"s3": {"endpoint_url": "https://objects.example"}},
        "endpoint_url": "https://everything-else.example",
        "verify": "/etc/ssl/our-own.pem",
    }
    connect("aws_default", extra=extra)
    assert changes("s3://bucket") == {
        "AWS_ACCESS_KEY_ID": "ASIA",
        "AWS_SECRET_ACCESS_KEY": "the-secret-key",
        "AWS_SESSION_TOKEN": "the-token",
        "AWS_ENDPOINT_URL_S3": "https://objects.example",
        "AWS_CA_BUNDLE": "/etc/ssl/our-own.pem",
    }


def test_a_profile_stays_a_profile_so_that_it_renews_itself(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        "[house]\naws_access_key_id = AKIAHOUSE\naws_secret_access_key = the-secret-key\n"
    )
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-another")
    connect("aws_default", extra={"profile_name": "house"})
    with StoreAccess() as stores:
        access = stores.reach("s3://bucket")
    assert access.variables == {"AWS_PROFILE": "house"}
    assert aws_session(access).get_credentials().access_key == "AKIAHOUSE"
    assert boto3.Session().get_credentials().access_key == "AKIA"


def test_a_role_is_taken_on_and_its_secrets_are_masked(connect: Callable[..., None]) -> None:
    with moto.moto_s3() as server:
        extra = {
            "region_name": "us-east-1",
            "role_arn": "arn:aws:iam::123456789012:role/darkroom",
            "service_config": {"sts": {"endpoint_url": server.endpoint}},
        }
        connect("aws_default", login="AKIA", password="the-secret-key", extra=extra)
        changed = changes("s3://bucket")
    assert changed["AWS_ACCESS_KEY_ID"] not in (None, "AKIA")
    assert changed["AWS_SECRET_ACCESS_KEY"] != "the-secret-key"
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        assert redact(f"it is {changed[name]}") == "it is ***"


@pytest.mark.parametrize("fields", [None, {}, {"extra": {"config_kwargs": {"retries": {"mode": "standard"}}}}])
def test_without_an_identity_of_its_own_the_workers_chain_is_left_alone(
    connect: Callable[..., None], fields: dict[str, Any] | None
) -> None:
    if fields is not None:
        connect("aws_default", **fields)
        connect("google_cloud_default", **fields)
    assert changes("s3://bucket", "gs://bucket") == {}


def test_an_endpoint_alone_goes_with_the_processs_own_identity(connect: Callable[..., None]) -> None:
    connect("aws_default", extra={"endpoint_url": "https://objects.example"})
    assert changes("s3://bucket") == {"AWS_ENDPOINT_URL_S3": "https://objects.example"}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"login": "AKIA"}, "one half of its access key"),
        ({"extra": {"aws_access_key_id": "AKIA"}}, "one half of its access key"),
        ({"extra": {"config_kwargs": {"signature_version": "unsigned"}}}, "signs its requests"),
        ({"extra": {"verify": False}}, "checks certificates"),
        ({"extra": {"role_arn": "arn:aws:iam::1:role/x", "region_name": "us-east-1"}}, "cannot take on its role"),
    ],
)
def test_what_cannot_be_handed_on_is_refused(connect: Callable[..., None], fields: dict[str, Any], said: str) -> None:
    connect("aws_default", **fields)
    with pytest.raises(BadInput, match=said):
        changes("s3://bucket")


def test_a_deployment_of_folders_imports_no_provider(connect: Callable[..., None], tmp_path: Path) -> None:
    connect("aws_default", login="AKIA", password="the-secret-key")
    code = f"""
        import sys
        from darkroom_airflow.credentials import StoreAccess
        import darkroom_airflow.operators
        with StoreAccess() as stores:
            stores.reach({str(tmp_path)!r}, "file:///somewhere")
        heavy = "airflow.providers.amazon.aws", "airflow.providers.google.common", "boto3", "google.auth"
        print([name for name in sys.modules if name.startswith(heavy)])
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "plugins")}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "[]"
