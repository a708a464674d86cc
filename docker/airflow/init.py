"""What compose's `airflow-init` does before anything else starts, each time: it makes what is not there yet.

The database, the pools, the UI's user, the buckets, the connections that lead to them, and in a new studio the delivery
of the sample dress. What somebody has changed since stays as it is.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.append(os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"])

from darkroom_airflow.pools import POOLS

ENDPOINT = "http://s3:8333"
"""The service s3, as the stack's network knows it."""

_SERVICES = {"s3": {"endpoint_url": ENDPOINT}}

BUCKETS = ("studio", "images", "scans", "mirror", "versions", "shop", "logs")
"""For all five flows, and for the logs of tasks."""

DELIVERIES = "deliveries"
STYLE = "sample-dress"
LOGS_CONNECTION = "studio_logs"
CONNECTIONS = ("aws_default", LOGS_CONNECTION)


def main() -> None:
    """Fail as soon as anything does: compose then starts nothing."""
    _run("airflow", "db", "migrate")
    _make_pools()
    _make_user(os.environ["STUDIO_USER"], _secret("airflow_password"))
    access_key, secret_key = _secret("s3_access_key"), _secret("s3_secret_key")
    _make_connections(access_key, secret_key)
    _make_buckets(access_key, secret_key)


def _make_pools() -> None:
    """Those that are not there; how many slots one has is the operator's affair."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    with create_session() as session:
        for pool in POOLS:
            if Pool.get_pool(pool.name, session=session) is None:
                # with include_deferred, as a task that waits for a worker far away counts too
                made = Pool(pool=pool.name, slots=pool.slots, description=pool.description, include_deferred=True)
                session.add(made)
                print(f"pool {pool.name}: {pool.slots} slots")


def _make_user(name: str, password: str) -> None:
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.utils.providers_configuration_loader import providers_configuration_loaded

    @providers_configuration_loaded
    def make() -> None:
        with get_application_builder() as builder:
            users: Any = builder.sm
            if users.find_user(name) is None:
                role = users.find_role("Admin")
                if not users.add_user(name, "Studio", "Admin", f"{name}@localhost", role, password):
                    raise SystemExit(f"The user {name} cannot be made.")
                print(f"user {name}")

    make()


def _make_connections(access_key: str, secret_key: str) -> None:
    """Lead to the service s3. One that was made to lead elsewhere stays; the keys of this one are always .env's."""
    from airflow.models.connection import Connection
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        for name in CONNECTIONS:
            there = session.scalar(select(Connection).where(Connection.conn_id == name))
            if there is None:
                # of S3 alone, as ECS or SQS may be Amazon's
                extra = {"service_config": _SERVICES, "region_name": os.environ["AWS_DEFAULT_REGION"]}
                there = Connection(conn_id=name, conn_type="aws", extra=json.dumps(extra))
                session.add(there)
                print(f"connection {name}")
            if there.extra_dejson.get("service_config") == _SERVICES:
                there.login, there.password = access_key, secret_key


def _make_buckets(access_key: str, secret_key: str) -> None:
    from botocore.exceptions import ClientError
    from botocore.session import Session

    region = os.environ["AWS_DEFAULT_REGION"]
    keys = {"aws_access_key_id": access_key, "aws_secret_access_key": secret_key}
    s3 = Session().create_client("s3", endpoint_url=ENDPOINT, region_name=region, **keys)

    def make(bucket: str) -> bool:
        try:
            s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            s3.create_bucket(Bucket=bucket)
            print(f"bucket {bucket}")
            return True
        return False

    for bucket in BUCKETS:
        make(bucket)
    # only a new studio has this bucket made, and so the sample is delivered once
    if make(DELIVERIES):
        _deliver_sample(access_key, secret_key)


def _deliver_sample(access_key: str, secret_key: str) -> None:
    size = os.environ.get("STUDIO_SAMPLE", "0")
    if size == "0" or not (Path(os.environ["DARKROOM_STYLES_DIR"]) / f"{STYLE}.yaml").exists():
        return
    access = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key, "AWS_ENDPOINT_URL_S3": ENDPOINT}
    with tempfile.TemporaryDirectory() as drawn:
        _run("darkroom", "sample", "--out", drawn, "--size", size)
        source = f"{drawn}/renders/raw/{STYLE}"
        _run("darkroom", "store", "copy", source, f"s3://{DELIVERIES}", environment=access)


def _secret(name: str) -> str:
    return Path("/run/secrets", name).read_text(encoding="utf-8").strip()


def _run(program: str, *words: str, environment: dict[str, str] | None = None) -> None:
    command = [str(Path(sys.executable).with_name(program)), *words]
    subprocess.run(command, check=True, env={**os.environ, **(environment or {})})


if __name__ == "__main__":
    main()
