"""A Google Cloud connection reaches GCS and the workers as a file, and nothing else."""

import json
import os
import secrets
import signal
import stat
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.log import redact

from darkroom.errors import BadInput
from darkroom.store.access import Access
from darkroom.store.gcs_access import GcsAccess
from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.worker_process import worker_environment
from tests.dags.tiny_studio import ROOT

pytestmark = pytest.mark.usefixtures("nothing_but_connections")


@pytest.fixture(scope="session")
def key() -> dict[str, str]:
    """A service account's key, as Google hands it out."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "studio",
        "private_key_id": secrets.token_hex(20),
        "private_key": pem.decode(),
        "client_email": "darkroom@studio.iam.gserviceaccount.com",
        "token_uri": "https://oauth2.googleapis.com/token",
    }


def who(access: Access) -> Any:
    """Who Darkroom is in GCS."""
    return GcsAccess("bucket", access).bucket.client._credentials


@pytest.mark.parametrize("form", ["dict", "text", "escaped", "configuration"])
def test_a_key_in_the_connection_is_a_private_file_for_as_long_as_it_is_needed(
    connect: Callable[..., None], key: dict[str, str], form: str
) -> None:
    escaped = {**key, "private_key": key["private_key"].replace("\n", "\\n")}
    field = "credential_config_file" if form == "configuration" else "keyfile_dict"
    connect("google_cloud_default", extra={field: {"dict": key, "escaped": escaped}.get(form) or json.dumps(key)})
    with StoreAccess() as stores:
        access = stores.reach("gs://bucket/renders")
        path = Path(worker_environment(access)["GOOGLE_APPLICATION_CREDENTIALS"])
        assert stores.reach("gs://another") == access, "one file a task"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert who(access).service_account_email == key["client_email"]
    assert not path.parent.exists()
    assert "GOOGLE_APPLICATION_CREDENTIALS" not in os.environ


def test_it_is_gone_when_the_task_fails(connect: Callable[..., None], key: dict[str, str]) -> None:
    connect("google_cloud_default", extra={"keyfile_dict": key})
    paths = []

    def fail() -> None:
        with StoreAccess() as stores:
            paths.append(Path(stores.reach("gs://bucket").variables["GOOGLE_APPLICATION_CREDENTIALS"]))
            assert paths[0].exists()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not paths[0].parent.exists()


def test_it_is_gone_when_the_task_is_killed(connect: Callable[..., None], key: dict[str, str]) -> None:
    connect("google_cloud_default", extra={"keyfile_dict": key})
    code = """
        import os, signal
        from darkroom_airflow.credentials import StoreAccess
        with StoreAccess() as stores:
            path = stores.reach("gs://bucket").variables["GOOGLE_APPLICATION_CREDENTIALS"]
            assert os.path.exists(path)
            print(path, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "plugins")}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == -signal.SIGKILL
    folder = Path(answer.stdout.splitlines()[-1]).parent
    assert folder.name.startswith("darkroom-")
    assert _gone(folder)


def test_a_key_file_that_is_there_is_used_where_it_lies(
    connect: Callable[..., None], key: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    connect("google_cloud_default", extra={"key_path": str(path), "quota_project_id": "who-pays"})
    with StoreAccess() as stores:
        access = stores.reach("gs://bucket")
    assert access.variables == {
        "GOOGLE_APPLICATION_CREDENTIALS": str(path),
        "GOOGLE_CLOUD_QUOTA_PROJECT": "who-pays",
    }
    assert path.exists()
    assert (who(access).service_account_email, who(access).quota_project_id) == (key["client_email"], "who-pays")


@pytest.mark.parametrize("field", ["key_path", "keyfile_dict"])
def test_an_impersonation_is_one_for_googles_clients_too(
    connect: Callable[..., None], key: dict[str, str], tmp_path: Path, field: str
) -> None:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    source = str(path) if field == "key_path" else key
    connect("google_cloud_default", extra={field: source, "impersonation_chain": "a@x.example, b@x.example"})
    with StoreAccess() as stores:
        credentials = who(stores.reach("gs://bucket"))
    assert credentials.service_account_email == "b@x.example"
    assert credentials._delegates == ["a@x.example"]
    assert credentials._source_credentials.service_account_email == key["client_email"]


def test_a_key_in_the_secret_manager_is_read_and_masked(
    connect: Callable[..., None], key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.cloud import secretmanager

    kept = {**key, "client_secret": "seen-in-this-test-only"}  # other tests' connections have masked the key itself

    class Client:  # the real one asks Google
        def access_secret_version(self, name: str) -> Any:
            assert name == "projects/studio/secrets/darkroom-key/versions/latest"
            return SimpleNamespace(payload=SimpleNamespace(data=json.dumps(kept).encode()))

    monkeypatch.setattr(secretmanager, "SecretManagerServiceClient", Client)
    connect("google_cloud_default", extra={"key_secret_name": "darkroom-key", "key_secret_project_id": "studio"})
    with StoreAccess() as stores:
        assert who(stores.reach("gs://bucket")).service_account_email == key["client_email"]
    assert redact("it is seen-in-this-test-only") == "it is ***"


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"is_anonymous": True}, "its is_anonymous cannot be handed to a worker"),
        ({"idp_issuer_url": "https://idp.example", "credential_config_file": "{}"}, "its idp_issuer_url cannot"),
        ({"impersonation_chain": "a@x.example"}, "impersonation_chain cannot be handed to a worker without"),
        ({"impersonation_chain": "a@x.example", "key_path": "/nowhere/key.json"}, "/nowhere/key.json: No such file"),
        ({"key_path": "/etc/key.p12"}, "P12"),
        ({"keyfile_dict": "{not JSON"}, "no JSON object"),
        ({"keyfile_dict": "[1]"}, "no JSON object"),
        ({"keyfile_dict": "{}", "key_path": "/etc/key.json"}, "key_path and keyfile_dict; leave one"),
        ({"key_secret_name": "key"}, "its secret key cannot be read"),
    ],
)
def test_what_google_cannot_be_told_is_refused(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any], said: str
) -> None:
    monkeypatch.setenv("NO_GCE_CHECK", "true")  # there is no machine of Google's to ask who it is
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nowhere")
    connect("google_cloud_default", extra=extra)
    with pytest.raises(BadInput, match=said), StoreAccess() as stores:
        stores.reach("gs://bucket")


def _gone(path: Path) -> bool:
    import time

    until = time.monotonic() + 5
    while path.exists() and time.monotonic() < until:
        time.sleep(0.02)
    return not path.exists()
