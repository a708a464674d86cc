"""The connection of Dropbox becomes a short-lived token, which those get who read there, and nobody else."""

import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.log import redact

from darkroom import keys
from darkroom.errors import BadInput, Unavailable
from darkroom.jobs import Manifest, dump
from darkroom.outside.dropbox import Dropbox
from darkroom.plan_folder import PlanFolder
from darkroom.store import open_store
from darkroom.store.access import DROPBOX, Access
from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.operators import subprocess_job
from darkroom_airflow.operators.jobs import require_reach
from darkroom_airflow.worker_process import container_environment, settings_for_workers, worker_environment
from tests.servers.dropbox import APP_KEY, APP_SECRET, FakeDropbox
from tests.servers.dropbox_faults import Answer

pytestmark = pytest.mark.usefixtures("nothing_but_connections")

FOLDER = "dropbox:/Renders"
TOKEN = "DARKROOM_DROPBOX_TOKEN"


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDropbox]:
    """A Dropbox, and no identity in this process's environment."""
    for name in DROPBOX:
        monkeypatch.delenv(name, raising=False)
    with FakeDropbox(tmp_path) as server:
        server.put("/Renders/t1_belt_front_0003.png", b"render")
        for name, value in server.hosts().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def connected(connect: Callable[..., None], fake: FakeDropbox) -> FakeDropbox:
    """The same, with a connection that has its refresh token."""
    connect("dropbox_default", login=APP_KEY, password=APP_SECRET, extra={"refresh_token": fake.refresh_token})
    return fake


def given(*locations: str) -> dict[str, str]:
    """What leads to Dropbox in the environment of a worker with these locations; this process's stays as it is."""
    before = dict(os.environ)
    with StoreAccess() as stores:
        environment = worker_environment(stores.reach(*locations))
        assert dict(os.environ) == before
    return {name: value for name, value in environment.items() if name in DROPBOX}


def run_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, *stores: str) -> None:
    """A job with these stores beside its folder, and a small program in its worker's place."""
    job = tmp_path / "0001.json"
    head = {"schema_version": 1, "flow": "ingest", "number": 1, "label": "a job", "plan": str(tmp_path)}
    job.write_text(json.dumps({**head, "store": str(tmp_path), "output_store": str(tmp_path), "stores": stores}))
    monkeypatch.setattr(subprocess_job, "job_command", lambda uri: [sys.executable, "-c", textwrap.dedent(code)])
    operator = subprocess_job.SubprocessJobOperator(task_id="run", job_uri=str(job), job_label="a job")
    operator.execute.__wrapped__(operator, {})  # type: ignore[attr-defined] # without the guard against calls outside a task


def test_the_refresh_token_becomes_a_short_lived_one_and_stays_here(connected: FakeDropbox) -> None:
    found = given("s3://bucket", FOLDER)
    assert found.keys() == {TOKEN}
    assert connected.tokens[found[TOKEN]] is True
    assert connected.refresh_token not in str(found)


def test_the_library_reads_with_it(connected: FakeDropbox) -> None:
    with StoreAccess() as stores:
        dropbox = Dropbox(stores.reach(FOLDER))
        page = next(dropbox.changes("/Renders"))
        assert dropbox.open(page.files[0]).read() == b"render"


def test_a_task_asks_for_one_token_however_many_folders_it_reads(connected: FakeDropbox) -> None:
    with StoreAccess() as stores:
        first = stores.reach("dropbox:/Renders")
        assert stores.reach("dropbox:/Elsewhere", "/a/folder") == first
    assert len(connected.asked("oauth2/token")) == 1


def test_only_who_reads_there_is_given_anything(connected: FakeDropbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert given("s3://bucket", "https://api.example.org/graphql", "/a/folder") == {}
    assert connected.asked("oauth2/token") == []
    for name in DROPBOX:
        monkeypatch.setenv(name, "its-own")
    assert given("s3://bucket", "/a/folder") == {}
    assert container_environment(Access()).keys().isdisjoint(DROPBOX)
    assert settings_for_workers().keys().isdisjoint(DROPBOX), "a request to ECS is logged"


def test_settling_and_reporting_do_not_ask_it(connected: FakeDropbox, tmp_path: Path) -> None:
    folder = PlanFolder(open_store(str(tmp_path / "studio")), "plan/")
    counts = dict.fromkeys(("planned", "skipped", "todo"), 0)
    about = {"flow": "ingest", "mode": "plan", "created": datetime.now(UTC), "title": "a", "noun": "file"}
    about |= {"run": "a", "subjects": ("a",), "uri": folder.uri, "request": {}}
    places = {"store": str(tmp_path / "studio"), "output_store": str(tmp_path / "studio"), "stores": (FOLDER,)}
    folder.write(keys.MANIFEST, dump(Manifest.model_validate({**about, **counts, **places})))
    with StoreAccess() as stores:
        assert stores.reach_plan(folder.uri).store.access.variables == {}
    assert connected.got == []


def test_an_access_token_in_the_connection_is_handed_on(connect: Callable[..., None], fake: FakeDropbox) -> None:
    token = fake.token()
    connect("dropbox_default", password=token)
    assert given(FOLDER) == {TOKEN: token}
    assert fake.asked("oauth2/token") == []


@pytest.mark.parametrize("fields", [None, {}])
def test_without_an_identity_in_the_connection_airflows_own_counts(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, fake: FakeDropbox, fields: dict[str, object] | None
) -> None:
    if fields is not None:
        connect("dropbox_default", **fields)
    assert given(FOLDER) == {}
    monkeypatch.setenv(TOKEN, "its-own-access-token")
    assert given(FOLDER) == {TOKEN: "its-own-access-token"}
    assert redact("it is its-own-access-token") == "it is ***"
    for name, value in fake.renewable().variables.items():
        monkeypatch.setenv(name, value)
    found = given(FOLDER)
    assert found.keys() == {TOKEN}, "a refresh token of Airflow's own stays here, too"
    assert fake.tokens[found[TOKEN]]


def test_a_container_gets_it_among_what_no_log_shows(connected: FakeDropbox) -> None:
    with StoreAccess() as stores:
        environment = container_environment(stores.reach(FOLDER))
    assert connected.tokens[environment[TOKEN]]
    assert environment.keys().isdisjoint(set(DROPBOX) - {TOKEN})
    assert redact(f"it is {environment[TOKEN]}") == "it is ***"


@pytest.mark.parametrize("fields", [{"login": APP_KEY, "password": APP_SECRET}, {"extra": {"refresh_token": "r" * 40}}])
def test_half_of_it_is_refused_before_a_worker_starts(
    connect: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    fake: FakeDropbox,
    tmp_path: Path,
    fields: dict[str, object],
) -> None:
    connect("dropbox_default", **fields)
    with pytest.raises(AirflowFailException, match="dropbox_default: its login is an app's key, and the field refresh"):
        run_worker(tmp_path, monkeypatch, "", FOLDER)
    assert fake.got == []


def test_a_refresh_token_that_was_revoked_is_told_of_the_connection(connected: FakeDropbox) -> None:
    old, connected.refresh_token = connected.refresh_token, "another"
    with pytest.raises(BadInput) as refusal:
        given(FOLDER)
    assert str(refusal.value) == (
        "The connection dropbox_default: Dropbox does not take the refresh token with the app's key; authorise the app "
        "again, and give both anew."
    )
    assert old not in str(refusal.value)


def test_a_dropbox_out_of_order_is_worth_another_try_of_the_task(
    connected: FakeDropbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("darkroom.store.retries._FIRST_WAIT", 0.001)
    connected.fault("oauth2/token", *[Answer(503)] * 20)
    with pytest.raises(Unavailable, match="asking Dropbox for a token failed"):
        given(FOLDER)


def test_a_worker_has_it_in_its_environment_only_and_may_say_it_without_a_log_showing_it(
    connected: FakeDropbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    code = f"""
        import os, sys
        token = os.environ["{TOKEN}"]
        print("It is", token)
        holding = [name for name, value in os.environ.items() if token in value or "{connected.refresh_token}" in value]
        sys.exit(0 if holding == ["{TOKEN}"] and not any(token in word for word in sys.orig_argv) else 2)
    """
    run_worker(tmp_path, monkeypatch, code, FOLDER)
    (token,) = connected.tokens
    assert redact(f"It is {token}") == "It is ***"
    for secret in (token, connected.refresh_token):
        assert secret not in (tmp_path / "0001.json").read_text()
    capfd.readouterr()


def test_another_jobs_worker_has_none_of_it(
    connected: FakeDropbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(TOKEN, "its-own-access-token")
    code = "import os, sys; sys.exit(2 if any('DROPBOX_TOKEN' in name for name in os.environ) else 0)"
    run_worker(tmp_path, monkeypatch, code, str(tmp_path))


def test_dropbox_is_no_folder_that_workers_elsewhere_cannot_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    from darkroom.settings import settings

    with monkeypatch.context() as patch:
        patch.setenv("DARKROOM_JOB_RUNNER", "ecs")
        settings.cache_clear()
        require_reach(["s3://bucket", FOLDER])
        with pytest.raises(BadInput, match="a folder of this machine"):
            require_reach(["/a/folder", FOLDER])
    settings.cache_clear()
