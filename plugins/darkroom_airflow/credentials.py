"""Credentials for stores from Airflow's connections, for this task and for the workers that it starts."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

if TYPE_CHECKING:
    from darkroom.plan_folder import PlanFolder

AWS_CONNECTION = "aws_default"
GOOGLE_CONNECTION = "google_cloud_default"
APPSYNC_CONNECTION = "appsync_default"
"""Its password is the API's key; without one, the API knows one by the AWS connection."""


class StoreAccess(ExitStack):
    """A block in which this process's environment leads Darkroom's stores where Airflow's connections say.

    The library and the workers read nothing but the environment: a worker gets it through its allow-list, and no
    secret ever stands in a job file, an XCom, a command or a log. That it is the whole process's does no harm, since
    each task is a process of its own. At the end of the block it is as before.
    """

    def __init__(self) -> None:
        super().__init__()
        self._reached: set[str] = set()

    def reach(self, *locations: str) -> None:
        """Make the stores and services of these locations reachable. Paths need nothing, and import nothing.

        What is on `https` is a service of AWS: the queue, the API.
        A connection that does not exist or names no identity leaves the process's own alone (a role, a profile), as
        the clients renew that by themselves. Raises `BadInput` for one that cannot be handed to a worker.
        """
        schemes = {location.partition("://")[0] for location in locations} - self._reached
        self._reached |= schemes
        on_the_web = bool({"https", "http"} & schemes)
        if ("s3" in schemes or on_the_web) and _exists(AWS_CONNECTION):
            from darkroom_airflow.aws_connection import aws_environment

            self._put(aws_environment(AWS_CONNECTION))
        if "gs" in schemes and _exists(GOOGLE_CONNECTION):
            from darkroom_airflow.google_connection import google_environment

            self._put(self.enter_context(google_environment(GOOGLE_CONNECTION)))
        if on_the_web and _exists(APPSYNC_CONNECTION):
            # no worker's allow-list has it: only collect's and settle's processes talk to the API
            self._put({"APPSYNC_API_KEY": BaseHook.get_connection(APPSYNC_CONNECTION).password})

    def reach_plan(self, uri: str) -> "PlanFolder":
        """The plan's folder, with the stores that its manifest names reachable too."""
        from darkroom.plan_folder import PlanFolder

        self.reach(uri)
        folder = PlanFolder.at(uri)
        manifest = folder.manifest()
        self.reach(manifest.store, manifest.output_store, *manifest.stores)
        return folder

    def _put(self, environment: Mapping[str, str | None]) -> None:
        for name, value in environment.items():
            self.callback(_set, name, os.environ.get(name))
            _set(name, value)


def _exists(connection: str) -> bool:
    try:
        BaseHook.get_connection(connection)
    except AirflowNotFoundException:
        return False
    return True


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
