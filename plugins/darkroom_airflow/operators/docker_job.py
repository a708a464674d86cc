"""`run` in a container of the imaging image, on a Docker engine."""

import os
from collections.abc import Iterable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from airflow.providers.docker.exceptions import DockerContainerFailedException
from airflow.providers.docker.operators.docker import DockerOperator
from airflow.sdk import Context
from docker.errors import APIError
from docker.types import Mount

from darkroom.amounts import human_bytes
from darkroom.errors import BadInput
from darkroom.machines import MACHINES, Machine
from darkroom.settings import settings
from darkroom.store import readable
from darkroom.store.access import Access
from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.operators.jobs import JOB_FIELDS, check_exit, job_command, job_of
from darkroom_airflow.refusals import refusals_are_final
from darkroom_airflow.task_logs import crashed, refused
from darkroom_airflow.worker_process import container_environment

_WORKSPACE = "/tmp"  # noqa: S108 -- in the container, where all else cannot be written
_TEN_MINUTES = 600  # seconds that the engine may take to answer: it stops and removes slowly under load
_GRACE = 3  # seconds between the worker's SIGTERM and its SIGKILL; Airflow itself gives a killed task five
_MOST_PROCESSES = 512  # threads too
_SOCKET = "unix:///var/run/docker.sock"  # where Docker's own client looks
_NOT_THERE = "bind source path does not exist"


class DockerJobOperator(DockerOperator):
    """Runs a job's worker in a container that is limited to the size of machine that the job asks for.

    The engine is that of `DOCKER_HOST`, or the local one. The container's root cannot be written, it has no
    capabilities, and it sees of this host only the folders that are stores of the job. Credentials are part of its
    environment and stand in no log and no rendered field. It is removed at the end, whatever the end.
    """

    template_fields: Sequence[str] = JOB_FIELDS

    def __init__(self, *, job_uri: str, job_label: str, machine: str = "small", **kwargs: Any) -> None:
        super().__init__(
            image=settings().docker_image,
            network_mode=settings().docker_network or None,
            mount_tmp_dir=False,
            auto_remove="never",  # we do, once its end has been looked at
            timeout=_TEN_MINUTES,
            **kwargs,
        )
        self.job_uri, self.job_label, self.machine = job_uri, job_label, machine

    def execute(self, context: Context) -> None:
        """Start the container, hand its lines to the log, judge its exit code."""
        where = readable(self.job_uri)
        self.log.info("%s: starting a container of %s; its job: %s", self.job_label, self.image, where)
        with refusals_are_final(), StoreAccess() as stores:
            require_socket()
            job = job_of(self.job_uri, stores.reach(self.job_uri))
            locations = job.locations if job else ()
            access = stores.reach(*locations)
            environment = container_environment(access)
            self.command = job_command(self.job_uri, program=())
            written = [job.store, job.output_store, *job.written] if job else []
            for folder in _folders(written):
                folder.mkdir(parents=True, exist_ok=True)  # a store comes to be with its first object
            self.mounts = folder_mounts(written, locations)
            if key_file := environment.get("GOOGLE_APPLICATION_CREDENTIALS"):
                self.mounts.append(_bind(Path(key_file), read_only=True))
            if self.mounts:  # the image's own user could not write where this task's user does
                self.user = f"{os.getuid()}:{os.getgid()}"
            self.mounts.append(Mount(_WORKSPACE, None, type="volume"))
            self.cpus, self.mem_limit = self._limits.cpus, self._limits.memory
            self._private_environment = environment | self._limits.worker_settings
            self._run(context, access)

    def _run(self, context: Context, access: Access) -> None:
        lines: list[str] = []
        try:
            super().execute(context)
        except DockerContainerFailedException as error:
            lines = [str(line) for line in error.logs or ()]
        except APIError as error:
            if _NOT_THERE not in str(error.explanation):
                raise
            raise refused(
                f"{self.job_label}: the engine says: {error.explanation}. A store that is a folder must lie on the "
                "engine's host, at the path that it has here."
            ) from None
        finally:
            state = self._removed()
        if not state:
            raise crashed(f"{self.job_label}: the container was stopped and removed with its task.")
        killed = "needed more memory than it has and was killed" if state.get("OOMKilled") else ""
        check_exit(
            int(state["ExitCode"]),
            label=self.job_label,
            job_uri=self.job_uri,
            access=access,
            last_lines=lines,
            ending=killed and f"{killed} (size {self.machine}, {human_bytes(self._limits.memory)})",
        )

    def _removed(self) -> dict[str, Any]:
        """How the container ended; it and its volume are gone then. Empty where there was none, or is none any more."""
        state: dict[str, Any] = {}
        if self.container is not None:
            try:
                state = self.cli.inspect_container(self.container["Id"])["State"]
                self.cli.remove_container(self.container["Id"], v=True, force=True)
            except APIError as error:
                if error.status_code not in (404, 409):  # it is gone, or on_kill is removing it
                    raise
        return state

    @cached_property
    def _limits(self) -> Machine:
        """What the container may use: the size that the job asks for, as far as the engine's host has it."""
        host = self.hook.api_client.info()
        return MACHINES[self.machine].at_most(host["NCPU"], host["MemTotal"])

    @cached_property
    def cli(self) -> Any:
        """The engine's client, whose containers are confined: the provider's operator has no arguments for that."""
        client = self.hook.api_client
        client.create_host_config = partial(
            client.create_host_config,
            nano_cpus=self._limits.cpus * 10**9,
            memswap_limit=self._limits.memory,  # with the memory itself: no swap
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            pids_limit=_MOST_PROCESSES,
            init=True,
        )
        return client

    def on_kill(self) -> None:
        """Stop the container with its task, and remove it."""
        if self.container is not None:
            try:
                self.cli.stop(self.container["Id"], timeout=_GRACE)
            finally:
                self._removed()


def require_socket() -> None:
    """Raises `BadInput` where the engine's socket is not there, or not for this process: no second try mends that."""
    url = urlsplit(os.environ.get("DOCKER_HOST") or _SOCKET)
    if url.scheme != "unix":
        return
    socket = Path(url.path)
    if not socket.exists():
        raise BadInput(
            f"{socket}: there is no such socket, which DARKROOM_JOB_RUNNER=docker needs; let the Airflow worker have "
            "the engine's (a mount, in a container), or set DOCKER_HOST."
        )
    if not os.access(socket, os.R_OK | os.W_OK):
        raise BadInput(
            f"{socket}: the Airflow worker's user may not use the engine's socket; let it have the socket's group, "
            f"{socket.stat().st_gid}."
        )


def folder_mounts(written: Iterable[str], locations: Iterable[str]) -> list[Mount]:
    """The folders that a worker needs, at the paths that they have here: those to write, and others to read.

    What lies inside one that is written, such as the store's own renders, needs no mount of its own.
    """
    to_write = _folders(written)
    outer = [one for one in to_write if not any(one != other and one.is_relative_to(other) for other in to_write)]
    to_read = [folder for folder in _folders(locations) if not any(folder.is_relative_to(other) for other in outer)]
    return [_bind(folder, read_only=False) for folder in outer] + [_bind(folder, read_only=True) for folder in to_read]


def _folders(locations: Iterable[str]) -> list[Path]:
    return [Path(unquote(urlsplit(one).path)) for one in dict.fromkeys(locations) if one.startswith("file://")]


def _bind(path: Path, *, read_only: bool) -> Mount:
    return Mount(str(path), str(path), type="bind", read_only=read_only)
