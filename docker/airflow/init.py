"""What compose's `airflow-init` does before anything else starts: the database, the pools, the UI's user."""

import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.append(os.environ["AIRFLOW__CORE__PLUGINS_FOLDER"])

from darkroom_airflow.pools import POOLS


def main() -> None:
    """Fail as soon as anything does: compose then starts nothing."""
    airflow = str(Path(sys.executable).with_name("airflow"))
    subprocess.run([airflow, "db", "migrate"], check=True)
    for pool in POOLS:
        # with --include-deferred, as a task that waits for a worker far away counts too
        command = [airflow, "pools", "set", "--include-deferred", pool.name, str(pool.slots), pool.description]
        subprocess.run(command, check=True)
    passwords = Path(os.environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
    passwords.unlink(missing_ok=True)
    with os.fdopen(os.open(passwords, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({os.environ["STUDIO_USER"]: os.environ["STUDIO_PASSWORD"]}, file)


if __name__ == "__main__":
    main()
