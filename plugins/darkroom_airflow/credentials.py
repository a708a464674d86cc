"""Credentials for stores from Airflow's connections, for a task, a page, and the workers that a task starts."""

import base64
import os
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException
from airflow.sdk.log import mask_secret

from darkroom.errors import BadInput
from darkroom.outside.dropbox import SCHEME, is_dropbox
from darkroom.store.access import Access
from darkroom_airflow.worker_process import WORDPRESS

if TYPE_CHECKING:
    from darkroom.plan_folder import PlanFolder

AWS_CONNECTION = "aws_default"
"""Stores in S3, the queue of uploaded scans, the API, and topics of SNS: a pair of keys (with session token),
`role_arn` or `profile_name`; `region_name`, `endpoint_url`. Without it, the process's own role or profile."""
GOOGLE_CONNECTION = "google_cloud_default"
"""Stores in GCS, and Google Drive: `key_path`, `keyfile_dict`, `credential_config_file` or `key_secret_name`. Without
it, application default credentials."""
APPSYNC_CONNECTION = "appsync_default"
"""The API of files to process: its password is the API's key. Without one, the API knows one by the AWS connection."""
WORDPRESS_CONNECTION = "wordpress_default"
"""Thumbnails in WordPress: its login is a user of the site, its password an application password, its host the one
site that gets them."""
DROPBOX_CONNECTION = "dropbox_default"
"""Renders in Dropbox: its login is the app's key, its password the app's secret, and `refresh_token` in its extra; or
no login, and an access token as password (see `dropbox_connection`)."""

_WORDPRESS_SITE = "wordpress+"  # before a site's address it makes a location: wordpress+https://maps.example.org/blog


class StoreAccess(ExitStack):
    """A block in which an `Access` leads Darkroom's stores where Airflow's connections say.

    The library is given it, and a worker gets it as its environment, through an allow-list: no secret ever stands in a
    job file, an XCom, a command or a log, and this process's own environment stays as it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self._reached: set[str] = set()
        self._variables: dict[str, str] = {}

    def reach(self, *locations: str) -> Access:
        """The access to the stores and services of these locations, and of those before, good within the block.

        Paths need nothing, and import nothing. What is on `https` is a service of AWS: the queue, the API. A WordPress
        site is told from these by `wordpress+` before its address (`wordpress+https://maps.example.org/blog`). For a
        folder of Dropbox (`dropbox:/Renders`) a token is had there, which is good for some hours.
        A connection that does not exist or names no identity leaves the process's own alone (a role, a profile), as
        the clients renew that by themselves. Raises `BadInput` for one that cannot be handed to a worker.
        """
        schemes = {_scheme(location) for location in locations} - self._reached
        self._reached |= schemes
        on_the_web = bool({"https", "http"} & schemes)
        if ("s3" in schemes or on_the_web) and _exists(AWS_CONNECTION):
            from darkroom_airflow.aws_connection import aws_environment

            self._variables |= aws_environment(AWS_CONNECTION)
        if "gs" in schemes and _exists(GOOGLE_CONNECTION):
            from darkroom_airflow.google_connection import google_environment

            self._variables |= self.enter_context(google_environment(GOOGLE_CONNECTION))
        if on_the_web and _exists(APPSYNC_CONNECTION):
            # no worker's allow-list has it: only collect's and settle's processes talk to the API
            self._variables["APPSYNC_API_KEY"] = BaseHook.get_connection(APPSYNC_CONNECTION).password or ""
        if any(scheme.startswith(_WORDPRESS_SITE) for scheme in schemes):
            self._variables |= _wordpress_environment()
        if SCHEME in schemes:
            from darkroom_airflow.dropbox_connection import dropbox_environment

            self._variables |= dropbox_environment(DROPBOX_CONNECTION if _exists(DROPBOX_CONNECTION) else "")
        return Access(dict(self._variables))

    def reach_plan(self, uri: str) -> "PlanFolder":
        """The plan's folder, whose access leads to the stores that its manifest names too.

        Not to Dropbox: nothing is fetched any more once the workers have ended, and what they did is settled and
        reported whether or not Dropbox gives out a token.
        """
        from darkroom.plan_folder import PlanFolder

        manifest = PlanFolder.at(uri, self.reach(uri)).manifest()
        places = (manifest.store, manifest.output_store, *manifest.stores)
        return PlanFolder.at(uri, self.reach(*(place for place in places if not is_dropbox(place))))


def _scheme(location: str) -> str:
    return SCHEME if is_dropbox(location) else location.partition("://")[0]


def _wordpress_environment() -> dict[str, str]:
    """The connection's user, application password and site; this process's own, where that names no user.

    A user of the one is never beside a site of the other: an empty host stands for any site.
    """
    environment = {name: os.environ[name] for name in WORDPRESS if name in os.environ}
    if _exists(WORDPRESS_CONNECTION):
        said = BaseHook.get_connection(WORDPRESS_CONNECTION)
        if bool(said.login) != bool(said.password):
            raise BadInput(
                f"The connection {WORDPRESS_CONNECTION}: its login is a user and its password an application password; "
                "fill in both, or neither."
            )
        if said.login and said.password:
            site = _site(said.host or "", said.schema or "https", said.port)
            environment = dict(zip(WORDPRESS, (said.login, said.password, site), strict=True))
    _mask(environment)
    return environment


def _mask(environment: Mapping[str, str]) -> None:
    """Keep the application password out of logs: with blanks and without, and as HTTP's Basic scheme has it."""
    user, password, _ = (environment.get(name, "") for name in WORDPRESS)
    for one in {password, password.replace(" ", "")} - {""}:
        mask_secret(one)
        mask_secret(base64.b64encode(f"{user}:{one}".encode()).decode())


def _site(host: str, scheme: str, port: int | None) -> str:
    """A site's address, of which a connection's host may be the whole."""
    if not host or "://" in host:
        return host
    name, slash, path = host.partition("/")
    return f"{scheme}://{name}{f':{port}' if port else ''}{slash}{path}"


def _exists(connection: str) -> bool:
    try:
        BaseHook.get_connection(connection)
    except AirflowNotFoundException:
        return False
    return True
