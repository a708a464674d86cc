"""Every setting of a deployment, read from `DARKROOM_*` environment variables."""

import os
import re
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import ByteSize, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from darkroom.errors import BadInput
from darkroom.sentences import sentence

_INCLUDE = Path(__file__).resolve().parents[1]
_PREFIX = "DARKROOM_"
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
    job_runner: Literal["subprocess", "docker", "ecs"] = Field(
        default="subprocess", description="What the `run` tasks start a job's worker with."
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
        description="The task definition of `ecs` workers; its first container is the worker.",
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
        default=150_000_000, ge=1, description="A render with more pixels than this is refused unread."
    )
    max_scan_pixels: int = Field(
        default=1_000_000_000, ge=1, description="An image with more pixels than this is not made into a pyramid."
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
        default="09:00", pattern=_HOUR, description="When it should be done; later than that there is an alert."
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
    max_combinations: int = Field(
        default=5_000_000,
        ge=1,
        description="A style whose options allow more for a length is refused, before it starts.",
    )


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
