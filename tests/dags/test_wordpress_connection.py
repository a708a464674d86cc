"""The connection of a WordPress site reaches the tasks and workers that post there, and nobody else."""

import json
import os
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.log import redact

from darkroom.errors import BadInput
from darkroom.publishing import rest
from darkroom.store.access import Access
from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.operators import subprocess_job
from darkroom_airflow.operators.jobs import require_reach
from darkroom_airflow.worker_process import WORDPRESS, container_environment, settings_for_workers, worker_environment

pytestmark = pytest.mark.usefixtures("nothing_but_connections")

SITE = "wordpress+https://maps.example.org/blog"
PASSWORD = "abcd EFGH ijkl MNOP qrst UVWX"  # as WordPress shows one


def given(*locations: str) -> dict[str, str]:
    """What leads to WordPress in the environment of a worker with these locations; this process's stays as it is."""
    before = dict(os.environ)
    with StoreAccess() as stores:
        environment = worker_environment(stores.reach(*locations))
        assert dict(os.environ) == before
    return {name: value for name, value in environment.items() if name.startswith("WORDPRESS_")}


def run_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, *stores: str) -> None:
    """A job with these stores beside its folder, and a small program in its worker's place."""
    job = tmp_path / "0001.json"
    head = {"schema_version": 1, "flow": "archive", "number": 1, "label": "a job", "plan": str(tmp_path)}
    job.write_text(json.dumps({**head, "store": str(tmp_path), "output_store": str(tmp_path), "stores": stores}))
    monkeypatch.setattr(subprocess_job, "job_command", lambda uri: [sys.executable, "-c", textwrap.dedent(code)])
    operator = subprocess_job.SubprocessJobOperator(task_id="run", job_uri=str(job), job_label="a job")
    operator.execute.__wrapped__(operator, {})  # type: ignore[attr-defined] # without the guard against calls outside a task


def test_the_variables_are_those_that_the_publishing_library_reads() -> None:
    assert WORDPRESS == (rest.USER, rest.PASSWORD, rest.SITE)


def test_user_password_and_site_lead_to_a_site(connect: Callable[..., None]) -> None:
    connect("wordpress_default", login="studio", password=PASSWORD, host="maps.example.org/blog")
    assert given("/a/folder", SITE) == {
        "WORDPRESS_USER": "studio",
        "WORDPRESS_APPLICATION_PASSWORD": PASSWORD,
        "WORDPRESS_SITE": "https://maps.example.org/blog",
    }


@pytest.mark.parametrize(
    ("fields", "site"),
    [
        ({}, ""),
        ({"host": "https://maps.example.org"}, "https://maps.example.org"),
        ({"host": "maps.example.org", "schema": "https", "port": 8443}, "https://maps.example.org:8443"),
        ({"host": "127.0.0.1/blog", "schema": "http", "port": 8080}, "http://127.0.0.1:8080/blog"),
    ],
)
def test_the_site_is_the_connections_however_its_host_is_written(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, fields: dict[str, object], site: str
) -> None:
    monkeypatch.setenv("WORDPRESS_SITE", "https://another.example.org")
    connect("wordpress_default", login="studio", password=PASSWORD, **fields)
    assert given(SITE)["WORDPRESS_SITE"] == site


def test_the_publishing_library_takes_what_the_connection_says_and_only_for_its_site(
    connect: Callable[..., None],
) -> None:
    connect("wordpress_default", login="studio", password=PASSWORD, host="maps.example.org/blog")
    with StoreAccess() as stores:
        access = stores.reach(SITE)
        assert rest.Rest("https://maps.example.org/blog", access).name == "maps.example.org/blog"
        with pytest.raises(BadInput, match=r"are only for maps\.example\.org"):
            rest.Rest("https://other.example.org", access)


@pytest.mark.parametrize("own", [False, True], ids=["from the connection", "from Airflow's own environment"])
def test_only_who_posts_there_is_given_anything(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, own: bool
) -> None:
    if own:
        monkeypatch.setenv("WORDPRESS_USER", "studio")
        monkeypatch.setenv("WORDPRESS_APPLICATION_PASSWORD", PASSWORD)
    else:
        connect("wordpress_default", login="studio", password=PASSWORD)
    assert given("s3://bucket", "gs://bucket", "https://api.example.org/graphql", "/a/folder") == {}
    assert given("s3://bucket", SITE)["WORDPRESS_APPLICATION_PASSWORD"] == PASSWORD
    assert container_environment(Access()).keys().isdisjoint(WORDPRESS)
    assert settings_for_workers().keys().isdisjoint(WORDPRESS), "a request to ECS is logged"


def test_a_site_leads_to_no_service_of_aws(connect: Callable[..., None]) -> None:
    connect("appsync_default", password="the-api-key")
    connect("aws_default", login="AKIA", password="the-secret-key")
    with StoreAccess() as stores:
        assert stores.reach(SITE).variables == {}


@pytest.mark.parametrize("fields", [None, {}])
def test_without_a_user_in_the_connection_airflows_own_is_given(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, fields: dict[str, object] | None
) -> None:
    if fields is not None:
        connect("wordpress_default", **fields)
    assert given(SITE) == {}
    monkeypatch.setenv("WORDPRESS_USER", "own")
    monkeypatch.setenv("WORDPRESS_APPLICATION_PASSWORD", "its-own-password")
    assert given(SITE) == {"WORDPRESS_USER": "own", "WORDPRESS_APPLICATION_PASSWORD": "its-own-password"}
    assert redact("it is its-own-password") == "it is ***"


def test_a_container_gets_them_among_what_no_log_shows(connect: Callable[..., None]) -> None:
    connect("wordpress_default", login="studio", password=PASSWORD)
    with StoreAccess() as stores:
        environment = container_environment(stores.reach(SITE))
    assert {name: environment[name] for name in WORDPRESS} == dict(
        zip(WORDPRESS, ("studio", PASSWORD, ""), strict=True)
    )


@pytest.mark.parametrize("fields", [{"login": "studio"}, {"password": PASSWORD}])
def test_half_of_it_is_refused_before_a_worker_starts(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fields: dict[str, str]
) -> None:
    connect("wordpress_default", **fields)
    with pytest.raises(AirflowFailException, match="wordpress_default: its login is a user and its password an appl"):
        run_worker(tmp_path, monkeypatch, "", SITE)


def test_a_worker_has_it_in_its_environment_only_and_may_say_it_without_a_log_showing_it(
    connect: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    connect("wordpress_default", login="studio", password=PASSWORD)
    code = """
        import os, sys
        password = " ".join(["abcd", "EFGH", "ijkl", "MNOP", "qrst", "UVWX"])
        holding = [name for name, value in os.environ.items() if password in value]
        said = any(password in word for word in sys.orig_argv)
        sys.exit(0 if holding == ["WORDPRESS_APPLICATION_PASSWORD"] and not said else 2)
    """
    run_worker(tmp_path, monkeypatch, code, SITE)
    said = capfd.readouterr()
    assert "starting the worker" in said.out + said.err
    bare, coded = PASSWORD.replace(" ", ""), "c3R1ZGlvOmFiY2QgRUZHSCBpamtsIE1OT1AgcXJzdCBVVldY"
    for secret in (PASSWORD, bare, coded):
        assert redact(f"it is {secret}.") == "it is ***."
        assert secret not in said.out + said.err
    assert PASSWORD not in (tmp_path / "0001.json").read_text()


def test_another_jobs_worker_has_none_of_it(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connect("wordpress_default", login="studio", password=PASSWORD)
    code = "import os, sys; sys.exit(2 if any(name.startswith('WORDPRESS') for name in os.environ) else 0)"
    run_worker(tmp_path, monkeypatch, code, str(tmp_path))


def test_a_site_is_no_folder_that_workers_elsewhere_cannot_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    from darkroom.settings import settings

    with monkeypatch.context() as patch:
        patch.setenv("DARKROOM_JOB_RUNNER", "ecs")
        settings.cache_clear()
        require_reach(["s3://bucket", SITE])
    settings.cache_clear()
