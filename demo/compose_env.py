"""`make env`: the secrets of docker-compose.yaml, random, in a file of mode 600."""

import os
import secrets
import sys
from pathlib import Path

from demo.credentials import new_credentials, write_private

_TEMPLATE = """\
# Written by `make env` for docker-compose.yaml. Keep it to yourself. docs/deployment.md says what else may stand here,
# and how a secret is changed.
POSTGRES_PASSWORD={database}
REDIS_PASSWORD={redis}
S3_ACCESS_KEY={access_key}
S3_SECRET_KEY={secret_key}
AIRFLOW_PASSWORD={password}
AIRFLOW_FERNET_KEY={fernet_key}
AIRFLOW_JWT_SECRET={jwt_secret}
AIRFLOW_API_SECRET={api_secret}
# whose files the containers write
AIRFLOW_UID={uid}
# the UI's port on this machine's loopback
AIRFLOW_PORT=8080
# where scans lie, by name
DARKROOM_SCAN_SOURCES='{{"scans": "s3://scans"}}'
"""
_AIRFLOWS_OWN = 50000  # the image's user: a container that is root needs more than Airflow does


def environment_file() -> str:
    """The text of a new `.env`; its secrets are of letters, digits, `-` and `_`, as an address holds some of them."""
    return _TEMPLATE.format(
        database=secrets.token_urlsafe(24),
        redis=secrets.token_urlsafe(24),
        access_key=secrets.token_hex(10),
        secret_key=secrets.token_urlsafe(30),
        uid=os.getuid() or _AIRFLOWS_OWN,
        **new_credentials()._asdict(),
    )


def main() -> None:
    """Write the file that the command line names."""
    path = Path(sys.argv[1])
    write_private(path, environment_file())
    print(f"Wrote {path} with random secrets; next: make compose-up")


if __name__ == "__main__":
    main()
