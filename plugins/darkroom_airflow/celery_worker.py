"""Celery's settings where there are Celery workers (`[celery] celery_config_options`), and a worker's sign of life.

A worker beats every two seconds as long as it talks to its broker. That it touches a file at each beat makes a health
check cost nothing; Celery's own (`inspect ping`) imports Airflow, which takes seconds of a core each time.
"""

from pathlib import Path
from typing import Any

from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG as CONFIG
from celery.signals import heartbeat_sent  # type: ignore[import-untyped]

__all__ = ["ALIVE", "CONFIG"]

ALIVE = Path("/tmp/celery-worker-alive")  # noqa: S108 -- of the container, where docker/airflow/healthy.sh looks


@heartbeat_sent.connect  # type: ignore[untyped-decorator]
def _is_alive(**_: Any) -> None:
    ALIVE.touch()
