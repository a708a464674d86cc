"""A real Docker engine, and the two images on bases that need no registry.

An engine that `DOCKER_HOST` names is used as it is. Otherwise one is started where it can be: as root, with Debian's
`docker.io` and `debootstrap`. Its containers have the host's network, unless they are to have networks of their own.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.processes import Processes

ROOT = Path(__file__).resolve().parents[2]
IMAGE = "darkroom-imaging"
AIRFLOW_IMAGE = "darkroom-airflow"
BASE = "darkroom-test-base"
_AIRFLOW_BASE = "darkroom-test-airflow-base"
# what the official image promises (https://airflow.apache.org/docs/docker-stack/), with some other packages in it
_OFFICIAL = f"""
FROM {BASE}
RUN useradd --uid 50000 --gid 0 --create-home airflow && install -d -o airflow -g root -m 775 /opt/airflow \\
    && ln -s python3 /usr/bin/python && python3 -m venv /usr/python && /usr/python/bin/pip install --no-cache-dir uv
ENV PATH=/home/airflow/.local/bin:/usr/python/bin:$PATH VIRTUAL_ENV=/home/airflow/.local AIRFLOW_HOME=/opt/airflow \\
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
RUN printf '%s\\n' '#!/bin/sh' 'export HOME=/home/airflow' \\
        'whoami >/dev/null 2>&1 || echo "default:x:$(id -u):0::/home/airflow:/sbin/nologin" >> /etc/passwd' \\
        'case $1 in python|bash) ;; *) set -- airflow "$@" ;; esac' 'exec "$@"' > /entrypoint \\
    && chmod 755 /entrypoint && chmod -R g+rwX /home/airflow && chmod g+w /etc/passwd
USER 50000
RUN uv venv /home/airflow/.local && uv pip install --no-cache pip requests==2.31.0
WORKDIR /opt/airflow
ENTRYPOINT ["dumb-init", "--", "/entrypoint"]
"""
_PROGRAMS = ("docker", "dockerd", "debootstrap")
_NEEDED = "ca-certificates,curl,dumb-init,python3,python3-venv,redis-server,wget"


def missing() -> str:
    """Why no container can be started here, as a sentence; empty where one can."""
    if os.environ.get("DOCKER_HOST"):
        return ""
    absent = [program for program in _PROGRAMS if not shutil.which(program)]
    if absent:
        return f"{', '.join(absent)}: not installed (apt-get install docker.io debootstrap)."
    return "" if os.geteuid() == 0 else "Only root can start a Docker engine."


@contextmanager
def engine(folder: Path, *, networks: bool = False) -> Iterator[str]:
    """The address of a running engine; one of its own keeps all that it has in `folder`.

    With `networks` it makes bridges and filters, which takes iptables and leaves rules and a bridge behind.
    """
    if address := os.environ.get("DOCKER_HOST"):
        yield address
        return
    folder.mkdir(parents=True)
    address = f"unix://{folder}/docker.sock"
    try:
        with Processes(folder / "log") as processes:
            processes.start(
                "dockerd",
                [
                    *("dockerd", "--host", address, "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec"),
                    *("--pidfile", f"{folder}/pid"),
                    *(() if networks else ("--bridge=none", "--iptables=false")),
                ],
            )
            processes.wait_until(lambda: _docker(address, "version").returncode == 0, "dockerd answers")
            yield address
    finally:
        for mount in reversed(Path("/proc/mounts").read_text().splitlines()):
            if mount.split()[1].startswith(f"{folder}/"):  # the engine leaves the host's network behind
                subprocess.run(["umount", "--lazy", mount.split()[1]], check=False)
        shutil.rmtree(folder / "data", ignore_errors=True)  # images are large


def imaging_image(address: str, folder: Path) -> str:
    """Build the imaging image; returns its name."""
    base(address, folder)
    build(address, IMAGE, "docker/imaging/Dockerfile", f"--build-arg=BASE_IMAGE={BASE}")
    return IMAGE


def base(address: str, folder: Path) -> None:
    """Make the base of all images, where the engine has none yet; it is unpacked in `folder`."""
    if not _docker(address, "images", "--quiet", BASE).stdout:
        _make_base(address, folder)


def airflow_image(address: str) -> str:
    """Build the Airflow image on a base like the official one, on top of the imaging image's; returns its name."""
    _succeeds(_docker(address, "build", "--network=host", f"--tag={_AIRFLOW_BASE}", "-", given=_OFFICIAL))
    build(address, AIRFLOW_IMAGE, "docker/airflow/Dockerfile", f"--build-arg=BASE_IMAGE={_AIRFLOW_BASE}")
    return AIRFLOW_IMAGE


def run(address: str, image: str, *words: str, entrypoint: str | None = None) -> str:
    """What a container of an image says, until its end."""
    program = [] if entrypoint is None else ["--entrypoint", entrypoint]
    return _succeeds(_docker(address, "run", "--rm", "--network=host", *program, image, *words)).stdout


def build(address: str, image: str, file: str, *words: str, context: str = ".") -> None:
    """Build an image, with the host's network."""
    _succeeds(_docker(address, "build", "--network=host", *words, f"--tag={image}", "--file", file, context))


def _succeeds(done: subprocess.CompletedProcess[str]) -> subprocess.CompletedProcess[str]:
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done


def _make_base(address: str, folder: Path) -> None:
    """A minimal Debian with Python, and with the certificates that this host trusts."""
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={_NEEDED}", "bookworm", str(folder)],
        check=True,
        capture_output=True,
    )
    for file in (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pip.conf")):
        if file.exists():
            shutil.copy(file, folder / file.relative_to("/"))
    for useless in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/locale"):
        shutil.rmtree(folder / useless, ignore_errors=True)
    packed = subprocess.Popen(["tar", "-C", str(folder), "-c", "."], stdout=subprocess.PIPE)
    imported = subprocess.run(
        ["docker", "--host", address, "import", "-", BASE], stdin=packed.stdout, capture_output=True, text=True
    )
    assert (packed.wait(), imported.returncode) == (0, 0), imported.stderr


def containers(address: str) -> list[str]:
    """The commands of all containers of the imaging image, running or not."""
    words = ("ps", "--all", "--filter", f"ancestor={IMAGE}", "--format", "{{.Command}}")
    return _docker(address, *words).stdout.splitlines()


def image_size(address: str, image: str) -> int:
    """Bytes of an image, with its base."""
    return int(_docker(address, "image", "inspect", "--format", "{{.Size}}", image).stdout)


def _docker(address: str, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    # with the engine's own builder, whether or not Buildx is there: it needs no network of the engine's
    environment = {**os.environ, "DOCKER_BUILDKIT": "0"}
    command = ["docker", "--host", address, *words]
    return subprocess.run(command, cwd=ROOT, env=environment, input=given, capture_output=True, text=True)
