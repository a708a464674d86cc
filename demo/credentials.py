"""Random secrets, made once and kept in a file that only its owner reads.

Standard library only: `make env` needs no environment.
"""

import base64
import json
import os
import secrets
from pathlib import Path
from typing import NamedTuple

USER = "admin"


class Credentials(NamedTuple):
    """What an Airflow needs to keep to itself."""

    password: str
    """The UI user's."""
    fernet_key: str
    """Encrypts connections and variables in the database."""
    jwt_secret: str
    """Signs the tokens of people and tasks."""
    api_secret: str
    """Signs the UI's sessions."""


def new_credentials() -> Credentials:
    """Fresh random ones."""
    return Credentials(
        password=secrets.token_urlsafe(12),
        fernet_key=base64.urlsafe_b64encode(os.urandom(32)).decode(),
        jwt_secret=secrets.token_urlsafe(48),
        api_secret=secrets.token_urlsafe(32),
    )


def load_or_create(path: Path) -> Credentials:
    """The credentials in a file, written there first where there is none."""
    if not path.exists():
        write_private(path, json.dumps(new_credentials()._asdict(), indent=2) + "\n")
    return Credentials(**json.loads(path.read_text()))


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else ever could read: whole, or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)
