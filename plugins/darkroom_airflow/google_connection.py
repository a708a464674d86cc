"""A Google Cloud connection as Google's application default credentials: a file, and the variable that names it."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import google.api_core.exceptions
import google.auth
import google.auth.exceptions
from airflow.providers.google.common.hooks.base_google import GoogleBaseHook, get_field
from airflow.sdk.log import mask_secret

from darkroom.errors import BadInput

_KEYS = ("key_path", "keyfile_dict", "credential_config_file", "key_secret_name")
# the connection's ways that no credentials file can say
_REFUSED = ("is_anonymous", "idp_issuer_url")
_OTHERS = ("key_secret_project_id", "impersonation_chain", "quota_project_id")

_IMPERSONATION = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{}:generateAccessToken"
_IMPERSONATORS = ("service_account", "authorized_user")


@contextmanager
def google_environment(connection: str) -> Iterator[dict[str, str]]:
    """The variables by name, good within the block; none where the connection has no credentials of its own.

    The hook's own `provide_gcp_credential_file_as_context` knows the first two kinds of key only, and says nothing
    about the others.
    """
    extras = GoogleBaseHook(gcp_conn_id=connection).extras
    said = {name: value for name in (*_KEYS, *_REFUSED, *_OTHERS) if (value := get_field(extras, name))}
    for name in _REFUSED:
        if name in said:
            raise BadInput(f"The connection {connection}: its {name} cannot be handed to a worker; give it a keyfile.")
    if len(keys := [name for name in _KEYS if name in said]) > 1:
        raise BadInput(f"The connection {connection}: it has {' and '.join(keys)}; leave one of them.")
    environment: dict[str, str] = {}
    if "quota_project_id" in said:
        environment["GOOGLE_CLOUD_QUOTA_PROJECT"] = said["quota_project_id"]
    credentials = _credentials(connection, said)
    if chain := said.get("impersonation_chain"):
        credentials = _impersonating(connection, credentials, chain)
    with _private_file(credentials) if isinstance(credentials, dict) else nullcontext(credentials) as path:
        yield environment | ({"GOOGLE_APPLICATION_CREDENTIALS": path} if path else {})


def _credentials(connection: str, said: Mapping[str, Any]) -> str | dict[str, Any] | None:
    """The path of a credentials file that is there already, or what is to be written into one."""
    if path := said.get("key_path"):
        if path.endswith(".p12"):
            raise BadInput(f"The connection {connection}: its key is a P12 file; give it a JSON key file.")
        return str(path)
    config = said.get("credential_config_file")
    if isinstance(config, str) and not config.lstrip().startswith("{"):
        return config
    if text := config or said.get("keyfile_dict"):
        return _parsed(connection, text)
    if "key_secret_name" in said:
        return _parsed(connection, _secret(connection, said))
    return None


def _parsed(connection: str, text: Any) -> dict[str, Any]:
    try:
        credentials = dict(text if isinstance(text, Mapping) else json.loads(text))
    except (ValueError, TypeError):
        raise BadInput(f"The connection {connection}: its key is no JSON object; give it the keyfile's.") from None
    if "private_key" in credentials:  # some forms keep its line breaks escaped
        credentials["private_key"] = str(credentials["private_key"]).replace("\\n", "\n")
    return credentials


def _secret(connection: str, said: Mapping[str, Any]) -> str:
    """The key that lies in Google's Secret Manager, read as whoever this process is, as the hook does."""
    from google.cloud.secretmanager import SecretManagerServiceClient

    name = said["key_secret_name"]
    try:
        project = said.get("key_secret_project_id") or google.auth.default()[1]
        answer = SecretManagerServiceClient().access_secret_version(
            name=f"projects/{project}/secrets/{name}/versions/latest"
        )
    except (google.api_core.exceptions.ClientError, google.auth.exceptions.DefaultCredentialsError) as error:
        raise BadInput(f"The connection {connection}: its secret {name} cannot be read: {error}") from error
    return str(answer.payload.data.decode())


def _impersonating(connection: str, credentials: str | dict[str, Any] | None, chain: str | list[str]) -> dict[str, Any]:
    """Credentials that take on the last service account of a chain, through those before it."""
    if isinstance(credentials, str):
        try:
            credentials = _parsed(connection, Path(credentials).read_text())
        except OSError as error:
            raise BadInput(f"The connection {connection}: {credentials}: {error.strerror}.") from None
    if not credentials or credentials.get("type") not in _IMPERSONATORS:
        raise BadInput(
            f"The connection {connection}: its impersonation_chain cannot be handed to a worker without a service "
            "account's key; give it a keyfile, or let Airflow run as the last account of the chain."
        )
    accounts = [account.strip() for account in chain.split(",")] if isinstance(chain, str) else chain
    return {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": _IMPERSONATION.format(accounts[-1]),
        "delegates": accounts[:-1],
        "source_credentials": credentials,
    }


@contextmanager
def _private_file(credentials: Mapping[str, Any]) -> Iterator[str]:
    """A file that only this user can read, gone with the block or with this process, however that ends."""
    mask_secret(dict(credentials))  # what a connection holds is masked already, a secret's content is not
    folder = tempfile.mkdtemp(prefix="darkroom-")
    # the pipe ends with this process, even after SIGKILL
    remover = subprocess.Popen(
        ["/bin/sh", "-c", 'read -r _; rm -rf "$0"', folder],
        env={"PATH": "/bin:/usr/bin"},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        path = os.path.join(folder, "credentials.json")  # noqa: PTH118 it goes into an environment
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(credentials, file)
        yield path
    finally:
        remover.communicate()
