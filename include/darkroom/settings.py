"""Every setting of a deployment, read from `DARKROOM_*` environment variables."""

import os
import re
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import ByteSize, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from darkroom.alerting.channels import LOG, Channel, channels_of
from darkroom.errors import BadInput
from darkroom.sentences import sentence

_INCLUDE = Path(__file__).resolve().parents[1]
_PREFIX = "DARKROOM_"
PRICE = r"^(\d+(\.\d+)?( \S+)?)?$"
"""An amount, and the currency where one is named: `0.05 USD`."""
_HOUR = r"^([01]\d|2[0-3]):[0-5]\d$"


class Environment(StrEnum):
    """Which deployment this is."""

    STAGE = "stage"
    PROD = "prod"


class Settings(BaseSettings):
    """A deployment's settings; the field `job_runner` is the variable `DARKROOM_JOB_RUNNER`, and so on."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True)

    studio_store: str = Field(
        default="var/buckets/studio",
        description="The bucket that holds renders, composites, state and work: a folder's path or a URI.",
    )
    styles_dir: Path = Field(
        default=_INCLUDE / "styles", description="The folder of the studio's style files, one YAML a style."
    )
    renders_from: str = Field(
        default="",
        description="Where renders are delivered, a folder for each style: dropbox:/path, a folder's path or a URI.",
    )
    ingest_quiet: int = Field(
        default=60,
        ge=0,
        description="Seconds since a delivered file was last written to, before it is taken; in a bucket 0 always.",
    )
    job_runner: Literal["subprocess", "docker", "ecs"] = Field(
        default="subprocess",
        description="What the `run` tasks start a job's worker with: a process, a Docker container, an ECS task.",
    )
    docker_image: str = Field(
        default="darkroom-imaging", description="The image that `docker` workers are started from (`make images`)."
    )
    docker_network: str = Field(
        default="", description="The network of `docker` workers, such as `host`; empty: the engine's default."
    )
    ecs_cluster: str = Field(default="default", description="The cluster of `ecs` workers: a name or an ARN.")
    ecs_task_definition: str = Field(
        default="darkroom-imaging",
        description="The task definition of `ecs` workers, whose first container is the worker; `{dag}`: the DAG's id.",
    )
    ecs_capacity_providers: str = Field(
        default="",
        pattern=r"^([\w-]+(=\d{1,4})?(, ?|$))*$",
        description="What `ecs` workers run on, with weights: `FARGATE_SPOT=4,FARGATE=1`; empty: the cluster's own.",
    )
    ecs_subnets: str = Field(
        default="", description="The subnets of `ecs` workers, with commas; needed where the network mode is awsvpc."
    )
    ecs_security_groups: str = Field(
        default="", description="The security groups of `ecs` workers, with commas; empty: the VPC's default."
    )
    ecs_public_ip: bool = Field(
        default=False, description="Give `ecs` workers a public address, which public subnets need to reach AWS."
    )
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, description="Threads of one worker; default: every core."
    )
    memory: ByteSize = Field(
        default=ByteSize(1536 * 1024**2),
        ge=512 * 1024**2,
        description="Memory of one worker, such as `1.5GiB`; layers that do not fit go to a temporary file (`TMPDIR`).",
    )
    max_pixels: int = Field(
        default=150_000_000,
        ge=1,
        description="A render with more pixels than this is refused unread, as is one with a side of more than 30,000.",
    )
    max_scan_pixels: int = Field(
        default=1_000_000_000,
        ge=1,
        description="An image with more pixels than this is not made into a pyramid, nor is one with a side of more "
        "than 150,000.",
    )
    scan_sources: dict[str, str] = Field(
        default={},
        description='The places of scans by name, as JSON: `{"maps": "s3://library-scans/maps"}`.',
    )
    image_store: str = Field(
        default="var/buckets/images", description="The bucket of the pyramids: a folder's path or a URI."
    )
    scan_queue: str = Field(
        default="", description="The URL of the SQS queue that is told of uploaded scans; empty: there is none."
    )
    appsync_url: str = Field(
        default="", description="The GraphQL endpoint of the AppSync API that lists files to process; empty: none."
    )
    private_hosts: str = Field(
        default="",
        description="Hosts that an image's URL may name although their address is private, with commas: `dam.intern`.",
    )
    scan_nights: int = Field(
        default=3, ge=1, description="On so many days an image may fail before its marker is set aside."
    )
    pyramids_at: str = Field(
        default="05:30", pattern=_HOUR, description="When `nightly_pyramids` starts, in New York's time."
    )
    pyramids_by: str = Field(
        default="09:00",
        pattern=_HOUR,
        description="When `nightly_pyramids` should be done; later than that there is an alert.",
    )
    alerts: str = Field(
        default=LOG,
        description="Where alerts go beside the log, with commas: `sns:<topic's ARN>`, `smtp:<address>`, `slack`.",
    )
    environment: Environment = Field(
        default=Environment.STAGE, description="Which deployment this is: pairs of another one are left alone."
    )
    pairs_dir: Path = Field(
        default=_INCLUDE / "pairs", description="The folder of the pairs of buckets to archive, one YAML a pair."
    )
    archive_at: str = Field(
        default="0 * * * *",
        pattern=r"^\S+( \S+){4}$",
        description="When `gcs_archive_sync` starts, as a cron expression in UTC.",
    )
    profiles_dir: Path = Field(
        default=_INCLUDE / "profiles", description="The folder of the profiles of folders to sync, one YAML a profile."
    )
    sync_cache: Path = Field(
        default_factory=lambda: _cache_folder(os.environ),
        description="The folder in which a sync remembers the hashes of files; it may be deleted at any time.",
    )
    sync_queue: str = Field(
        default="",
        description="The queue of the machine that has the folders of `local_s3_sync`; empty: the default queue.",
    )
    sync_at: str = Field(default="03:30", pattern=_HOUR, description="When `local_s3_sync` starts, in UTC.")
    ingest_at: str = Field(
        default="*/15 * * * *",
        pattern=r"^\S+( \S+){4}$",
        description="When `render_ingest` starts, as a cron expression in UTC.",
    )
    core_hour_price: str = Field(
        default="",
        pattern=PRICE,
        description="What an hour of one core costs, such as `0.05 USD`; said before a run is approved.",
    )
    write_price: str = Field(
        default="",
        pattern=PRICE,
        description="What a thousand writes and lists of the store cost (S3: PUT, COPY, POST, LIST): `0.005 USD`.",
    )
    read_price: str = Field(
        default="", pattern=PRICE, description="What a thousand reads of it cost (GET, HEAD): `0.0004 USD`."
    )
    storage_price: str = Field(
        default="", pattern=PRICE, description="What a gigabyte in it costs a month: `0.023 USD`."
    )
    max_combinations: int = Field(
        default=5_000_000,
        ge=1,
        description="A style whose options allow more for a length is refused, before it starts.",
    )

    @field_validator("alerts")
    @classmethod
    def _of_channels(cls, value: str) -> str:
        channels_of(value)
        return value

    @property
    def alert_channels(self) -> tuple[Channel, ...]:
        """Where alerts go beside the log, which has all of them."""
        return tuple(channel for channel in channels_of(self.alerts) if channel.name != LOG)

    @field_validator("sync_cache", mode="before")
    @classmethod
    def _of_user(cls, value: object) -> object:
        return _cache_folder(os.environ) if value == "" else value


def _cache_folder(environment: Mapping[str, str]) -> Path:
    """Where a user's programs keep what can be made again.

    >>> _cache_folder({"XDG_CACHE_HOME": "/var/cache/studio"})
    PosixPath('/var/cache/studio/darkroom/sync')
    """
    shared = environment.get("XDG_CACHE_HOME", "")
    if shared.startswith("/"):  # a relative one is to be ignored, says its specification
        return Path(shared) / "darkroom" / "sync"
    try:
        return Path.home() / ".cache" / "darkroom" / "sync"
    except RuntimeError:  # a container's user who is in no list of users
        return Path(tempfile.gettempdir()) / f"darkroom-{os.getuid()}" / "sync"


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once. Raises `BadInput` for a variable that cannot be read."""
    try:
        return Settings()
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise BadInput(f"{_PREFIX}{_upper(sentence(one))}; correct the variable." for one in problems) from None
    except SettingsError as error:  # of a variable that holds JSON
        field = re.search(r'"(\w+)"', str(error))
        name = f"{_PREFIX}{field[1].upper()}" if field else "A setting"
        raise BadInput(f'{name}: it is no JSON; write it as {{"maps": "s3://library-scans/maps"}}.') from None


def _upper(said: str) -> str:
    """A sentence about a field, with the field's name as its variable's."""
    field, colon, rest = said.partition(":")
    return f"{field.upper()}{colon}{rest}"
