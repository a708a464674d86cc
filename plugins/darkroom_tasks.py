"""What tasks import is imported once, by a scheduler that forks them: half of a short task's time was that."""

import sys
from importlib import import_module

from airflow.plugins_manager import AirflowPlugin
from airflow.providers.common.compat.sdk import conf

_IMPORTED = (
    "darkroom_airflow.assets",
    "darkroom_airflow.defaults",
    "darkroom_airflow.forms",
    "darkroom_airflow.operators",
    "darkroom_airflow.pools",
    "darkroom_airflow.queues",
    "darkroom_airflow.schedules",
    "darkroom.planning",
    "darkroom.settling",
    "darkroom.reports",
    "darkroom.imaging.kernels",  # and so numba, which takes longest
)


class DarkroomTasks(AirflowPlugin):
    """Readies a scheduler whose executor forks its tasks; every other process is left as it is.

    Such a scheduler has to be started anew after a change of the library or of these plugins, as after any change of
    plugins; a DAG's file is still read by each task.
    """

    name = "darkroom_tasks"

    @classmethod
    def on_load(cls, *args: object, **kwargs: object) -> None:
        """Import it, before the executor has forked anything. Nothing of libvips: it is not to be forked."""
        if sys.argv[1:2] != ["scheduler"] or conf.get("core", "executor") != "LocalExecutor":
            return
        for name in _IMPORTED:
            import_module(name)
