"""What every DAG has: an owner, retries, timeouts, tags, the alert of a run that failed or mends one."""

from datetime import timedelta
from typing import Any

from darkroom_airflow.alerts import FineAgain, RunAlert

TASK_DEFAULTS: dict[str, Any] = {
    "owner": "studio",
    # for what a second try can mend: a lost host, a kill, a store out of reach (30 s, 1 min, 2 min)
    "retries": 3,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(hours=2),
}


def run_defaults(*tags: str) -> dict[str, Any]:
    """The arguments that every `DAG(...)` takes as they are; `tags` come on top of the common one."""
    return {
        "default_args": TASK_DEFAULTS,
        "catchup": False,
        "dagrun_timeout": timedelta(days=2),
        "on_failure_callback": RunAlert(),
        "on_success_callback": FineAgain(),
        "tags": ["darkroom", *tags],
    }
