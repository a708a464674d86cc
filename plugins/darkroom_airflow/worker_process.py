"""One worker as a subprocess: its environment, its output, its end.

The standard provider's SubprocessHook keeps only the last line of the output and ends its process with SIGTERM alone;
here the last lines are needed to say what went wrong, and a worker that ignores SIGTERM must not outlive its task.
"""

import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from darkroom.store.access import DROPBOX, NO_ACCESS, Access

# what means the same in a container: no path of this host, none of its users and programs
_IN_A_CONTAINER = frozenset(
    {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"),
        *("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_EC2_METADATA_DISABLED"),
        *("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_QUOTA_PROJECT", "STORAGE_EMULATOR_HOST"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
        *("DARKROOM_MAX_PIXELS", "DARKROOM_MAX_SCAN_PIXELS", "DARKROOM_MAX_COMBINATIONS"),
        "DARKROOM_PRIVATE_HOSTS",
        *("DROPBOX_API_HOST", "DROPBOX_API_CONTENT_HOST", "DROPBOX_API_NOTIFY_HOST"),
        "TZ",
    }
)
_NAMES = _IN_A_CONTAINER | {
    *("PATH", "HOME", "USER", "LANG", "LANGUAGE", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH"),
    "XDG_CACHE_HOME",  # plan and its workers share the sync's cache
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
}
WORDPRESS = ("WORDPRESS_USER", "WORDPRESS_APPLICATION_PASSWORD", "WORDPRESS_SITE")
"""What leads to a WordPress site: of no use to other workers, and so only for those whose access has it."""
_ONLY_GIVEN = frozenset((*WORDPRESS, *DROPBOX))
_PREFIXES = ("LC_", "DARKROOM_", "AWS_", "CLOUDSDK_", "NUMBA_", "VIPS_")

_KEPT_LINES = 40
# Airflow follows its SIGTERM with a SIGKILL of the task after 5 s, and nobody would end the worker then
_GRACE = 3.0


def worker_environment(access: Access = NO_ACCESS) -> dict[str, str]:
    """What a worker sees of this process's environment, and the access that it is given.

    By an allow-list, so never `AIRFLOW__*`, which holds secrets.
    """
    whole = access.environment().items()
    allowed = {name: value for name, value in whole if name in _NAMES or name.startswith(_PREFIXES)}
    own = {name: value for name, value in allowed.items() if name not in _ONLY_GIVEN}
    given = {name: value for name, value in access.variables.items() if name in _ONLY_GIVEN}
    return own | given | {"PYTHONUNBUFFERED": "1"}


def container_environment(access: Access = NO_ACCESS) -> dict[str, str]:
    """What of that a worker in a container is given."""
    environment = worker_environment(access).items()
    return {name: value for name, value in environment if name in _IN_A_CONTAINER or name in _ONLY_GIVEN}


def settings_for_workers() -> dict[str, str]:
    """Of that, Darkroom's own settings, in which there is no secret."""
    return {name: value for name, value in container_environment().items() if name.startswith("DARKROOM_")}


class WorkerProcess:
    """A command in a process group of its own, its lines handed on as they come."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command, self._environment = list(command), dict(environment)
        self._process: subprocess.Popen[bytes] | None = None
        self.last_lines: deque[str] = deque(maxlen=_KEPT_LINES)

    def run(self, say: Callable[[str], None]) -> int:
        """Run to the end; returns the exit code, negative for a signal, as `subprocess` has it."""
        self._process = process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        # no `with`: a task's timeout unwinds through here before on_kill ends the worker, and would wait for it
        for raw in process.stdout or ():
            line = raw.decode(errors="backslashreplace").rstrip()
            self.last_lines.append(line)
            say(line)
        return process.wait()

    def stop(self, grace: float = _GRACE) -> None:
        """End the whole group: SIGTERM, and SIGKILL for what is still there after `grace` seconds."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        _signal_group(process.pid, signal.SIGTERM)
        until = time.monotonic() + grace
        while time.monotonic() < until and process.poll() is None:
            time.sleep(0.05)
        _signal_group(process.pid, signal.SIGKILL)


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # all of it has ended
        os.killpg(leader, number)
