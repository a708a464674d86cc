"""`make env`: the secrets of docker-compose.yaml, random, in a file of mode 600."""

import secrets
import sys
from pathlib import Path

from demo.credentials import new_credentials, write_private

_TEMPLATE = """\
# Written by `make env` for docker-compose.yaml. Keep it to yourself. For new secrets delete it, and the
# database's volume with it: that keeps the old password.
POSTGRES_PASSWORD={database}
AIRFLOW_PASSWORD={password}
AIRFLOW_FERNET_KEY={fernet_key}
AIRFLOW_JWT_SECRET={jwt_secret}
AIRFLOW_API_SECRET={api_secret}
# the UI's port on this machine's loopback
AIRFLOW_PORT=8080
"""


def main() -> None:
    """Write the file that the command line names."""
    path = Path(sys.argv[1])
    text = _TEMPLATE.format(database=secrets.token_urlsafe(24), **new_credentials()._asdict())
    write_private(path, text)
    print(f"Wrote {path} with random secrets; next: docker compose up --build")


if __name__ == "__main__":
    main()
