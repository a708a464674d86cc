"""docs/configuration.md: what a deployment can set, from the settings and from Airflow's side of them."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from annotated_types import Ge
from pydantic import ByteSize
from pydantic.fields import FieldInfo

from darkroom.publishing import rest
from darkroom.settings import Settings
from darkroom.store.access import DROPBOX
from darkroom_airflow.pools import POOLS
from tools.pages import ROOT
from tools.pages.markdown import code, page, plain, table

GROUPS: Mapping[str, tuple[str, ...]] = {
    "The studio, and where things lie ([stores](stores.md))": (
        *("studio_store", "styles_dir", "environment"),
        *("image_store", "scan_sources", "pairs_dir", "profiles_dir"),
    ),
    "When flows start ([DAGs](dags.md))": ("ingest_at", "pyramids_at", "pyramids_by", "archive_at", "sync_at"),
    "What flows ask ([ingest](ingest.md), [pyramids](pyramids.md), [sync](sync.md))": (
        *("renders_from", "ingest_quiet", "scan_queue", "appsync_url", "private_hosts", "scan_nights"),
        *("sync_cache", "sync_queue"),
    ),
    "Workers ([workers](workers.md))": (
        *("job_runner", "workers", "memory", "docker_image", "docker_network", "ecs_cluster", "ecs_task_definition"),
        *("ecs_capacity_providers", "ecs_subnets", "ecs_security_groups", "ecs_public_ip"),
    ),
    "Limits: what is larger is refused": ("max_pixels", "max_scan_pixels", "max_combinations"),
    "Alerts ([alerts](alerts.md))": ("alerts",),
    "Prices: what a run costs is said where they are set ([what it takes](scale.md))": (
        *("core_hour_price", "write_price", "read_price", "storage_price"),
    ),
}
"""The settings, each in one group."""

_OF_THE_MACHINE = {"workers": "every core", "sync_cache": "`~/.cache/darkroom/sync`"}
"""Defaults that are not the same everywhere."""

_INTRODUCTION = """\
Everything that can be set is an environment variable, a connection of Airflow's, or a pool. There is no other place: no
Airflow Variable is read. A deployment sets the variables for Airflow's processes and its workers
([with compose](deployment.md) in `.env`); `make run` takes them from whoever calls it
(`DARKROOM_MEMORY=1GiB make run`), and so does the command line. A variable that cannot be read ends a command, or the
import of a DAG, with a sentence that names it."""

_CONNECTIONS = """\
In Airflow (Admin, Connections), or as `AIRFLOW_CONN_<NAME>`. Secrets stand nowhere else. One that does not exist
leaves what Airflow's processes have by themselves, such as a role. [Workers](workers.md) says how workers get what they
need, and nothing else; [stores](stores.md) what is used of the connections of AWS and Google."""

_IDENTITIES = """\
On the command line there is no connection: the usual variables of AWS (`AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, ...) and
Google (`GOOGLE_APPLICATION_CREDENTIALS`) count, and these."""


def written() -> str:
    """The page. Raises `ValueError` for a setting that stands in no group, or in two."""
    grouped = [name for names in GROUPS.values() for name in names]
    if sorted(grouped) != sorted(Settings.model_fields):
        wrong = sorted(set(grouped) ^ set(Settings.model_fields)) or grouped
        raise ValueError(f"GROUPS in {__name__}: each setting has to stand in one of them: {', '.join(wrong)}")
    parts = [_INTRODUCTION, "## Settings"]
    for heading, names in GROUPS.items():
        parts += [f"### {heading}", table(("variable", "default", "means"), map(_setting, names))]
    parts += ["## Connections", _CONNECTIONS, table(("connection", "means"), _connections())]
    parts += ["## Identities on the command line", _IDENTITIES, table(("variables", "mean"), _identities())]
    pools = ((code(pool.name), str(pool.slots), plain(pool.description)) for pool in POOLS)
    parts += ["## Pools", "In Airflow (Admin, Pools). A start makes them; what is changed there stays."]
    parts += [table(("pool", "slots at first", "means"), pools)]
    return page(
        "Configuration", "the settings and connections in include/darkroom and plugins/darkroom_airflow", *parts
    )


def _setting(name: str) -> tuple[str, str, str]:
    field = Settings.model_fields[name]
    return code(f"DARKROOM_{name.upper()}"), _OF_THE_MACHINE.get(name) or _default(field), _means(field)


def _default(field: FieldInfo) -> str:
    value: Any = field.default
    if isinstance(value, Path):
        return code(str(value.relative_to(ROOT)))
    if isinstance(value, ByteSize):
        return code(value.human_readable(separator=""))
    if isinstance(value, bool):
        return code(str(value).lower())
    return code(str(value)) if value or value == 0 else ""


def _means(field: FieldInfo) -> str:
    """What is said of it, and what else than that is taken."""
    choices = getattr(field.annotation, "__args__", None) or getattr(field.annotation, "__members__", {}).values()
    named = [str(one) for one in choices if isinstance(one, str)]
    bounds: list[Any] = [bound.ge for bound in field.metadata if isinstance(bound, Ge)]
    least = [f"At least {ByteSize(least).human_readable(separator='')}." for least in bounds if least > 1]
    one_of = [f"One of {', '.join(map(code, named))}."] if named else []
    return " ".join((plain(field.description or ""), *one_of, *least))


def _connections() -> Iterator[tuple[str, str]]:
    """Those that the plugin names: constants `..._CONNECTION`, each with its docstring."""
    for file in sorted((ROOT / "plugins/darkroom_airflow").glob("*.py")):
        body = ast.parse(file.read_text(encoding="utf-8")).body
        for node, after in zip(body, [*body[1:], None], strict=True):
            match node, after:
                case (
                    ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(connection))),
                    ast.Expr(value=ast.Constant(value=str(means))),
                ) if name.endswith("_CONNECTION"):
                    yield code(connection), re.sub(r" \(see `\w+`\)", "", " ".join(means.split()))


def _identities() -> Iterator[tuple[str, str]]:
    token, *exchanged = DROPBOX
    yield code(token), "an access token of Dropbox, good for some hours"
    yield ", ".join(map(code, exchanged)), "or what one is had by"
    yield (
        ", ".join(map(code, (rest.USER, rest.PASSWORD, rest.SITE))),
        ("a user of a WordPress site, an application password of theirs, and the one site that gets them"),
    )
