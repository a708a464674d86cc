"""The Airflow of the demo studio: its settings and its four processes."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from demo.credentials import USER, Credentials
from demo.layout import Layout
from demo.processes import MARK

SOURCE = "scans"
"""The source of the sample scans, unless the caller has sources of their own."""

COMPONENTS = ("scheduler", "dag-processor", "triggerer", "api-server")
"""In the order in which they are told to end: tasks can still report while the scheduler goes."""

_STRANGE = ("AIRFLOW", "DARKROOM_", "PYTEST_", "PYTHON", "COV_")


def airflow_command(component: str, port: int) -> list[str]:
    """What starts a component."""
    command = [str(Path(sys.executable).with_name("airflow")), component]
    if component == "api-server":
        return [*command, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    if component in ("scheduler", "triggerer"):
        # their log servers listen on every address, and here the logs lie on one disk anyway
        return [*command, "--skip-serve-logs"]
    return command


def plain_environment() -> dict[str, str]:
    """This process's environment, without settings of another Airflow or studio, the project's commands first."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_STRANGE)}
    return inherited | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{inherited.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        # a company's proxy is not for what the processes here say to one another
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def callers_settings() -> dict[str, str]:
    """The settings of Darkroom in this process's environment, which stand above the studio's own."""
    return {name: value for name, value in os.environ.items() if name.startswith("DARKROOM_") and name != MARK}


def studio_settings(layout: Layout) -> dict[str, str]:
    """The studio's own: its folders are the buckets."""
    return {
        "DARKROOM_STUDIO_STORE": layout.bucket.resolve().as_uri(),
        "DARKROOM_IMAGE_STORE": layout.images.resolve().as_uri(),
        "DARKROOM_STYLES_DIR": str(layout.styles.resolve()),
        "DARKROOM_RENDERS_FROM": layout.deliveries.resolve().as_uri(),
        "DARKROOM_INGEST_QUIET": "0",  # nothing is written there bit by bit
        "DARKROOM_PAIRS_DIR": str(layout.pairs.resolve()),
        "DARKROOM_PROFILES_DIR": str(layout.profiles.resolve()),
        "DARKROOM_SYNC_CACHE": str(layout.hashes.resolve()),
        "DARKROOM_SCAN_SOURCES": json.dumps({SOURCE: layout.scans.resolve().as_uri()}),
    }


_READERS_OF_IGNORE_FILES = (
    "airflow.sdk._shared.module_loading.file_discovery",
    "airflow._shared.module_loading.file_discovery",
)


def airflow_environment(
    layout: Layout, credentials: Credentials, database: str, port: int, deployment: Mapping[str, str]
) -> dict[str, str]:
    """The environment of every component; `deployment` stands above the studio's own settings."""
    settings = _settings(layout, credentials, database, f"http://127.0.0.1:{port}")
    return {
        **plain_environment(),
        **studio_settings(layout),
        "AIRFLOW_HOME": str(layout.airflow.resolve()),
        # Airflow's reader of .airflowignore is deprecated by the library that it calls, as every task's log would tell
        "PYTHONWARNINGS": ",".join(f"ignore::DeprecationWarning:{module}" for module in _READERS_OF_IGNORE_FILES),
        **{f"AIRFLOW__{name}": value for name, value in settings.items()},
        **deployment,
    }


def _settings(layout: Layout, credentials: Credentials, database: str, address: str) -> dict[str, str]:
    return {
        "CORE__DAGS_FOLDER": str(layout.dags.resolve()),
        "CORE__PLUGINS_FOLDER": str(layout.plugins.resolve()),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "CORE__FERNET_KEY": credentials.fernet_key,
        "CORE__AUTH_MANAGER": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(layout.passwords.resolve()),
        "API__BASE_URL": address,
        "API__SECRET_KEY": credentials.api_secret,
        "API_AUTH__JWT_SECRET": credentials.jwt_secret,
        "DATABASE__SQL_ALCHEMY_CONN": database,
        "LOGGING__BASE_LOG_FOLDER": str((layout.airflow / "logs").resolve()),
        # one small machine and one user: few processes that look often, instead of many that look seldom
        "CORE__PARALLELISM": "4",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.3",  # at 0.1, one that waits takes a sixth of a core
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        "DAG_PROCESSOR__PARSING_PROCESSES": "1",
    }
