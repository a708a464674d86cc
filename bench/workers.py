"""Workers: one run of many pictures over one, two and three of them, in the stack of docker-compose.yaml.

The stack is started for real on a Docker engine, as the end-to-end test does, with the same stand-ins for the images
that it would pull: first as it is shipped, for what Airflow takes of a run of few pictures and of one of many. Then
each worker does one task at a time and has a share of a core, so that three of them leave enough of this machine to
the others: Airflow, PostgreSQL, Redis and the S3 server.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from rich.console import Console

from bench import workers_style
from bench.workers_runs import DAG, Took, run
from darkroom import keys
from demo.credentials import USER
from demo.rest import AirflowApi, ApiError
from tests.servers import compose
from tests.servers.compose import Stack
from tests.servers.processes import ServerFailed, free_ports

OTHERS = ("render_ingest", "nightly_pyramids", "gcs_archive_sync", "local_s3_sync")
"""The DAGs that must not start by themselves meanwhile."""
BAR = 10.0
"""Seconds that Airflow itself may take for a run, whatever it is of."""
SHIPPED = "one, as shipped"
CUT = "800x800"
_STARTS = 900  # seconds, on a busy machine
console = Console(stderr=True)


@dataclass(frozen=True)
class Scale:
    """How much is measured: colours of the style, pixels of a render's side, workers, the share of a core of each.

    The studio's figures say that so many colours of a side make a job: there are enough for three workers.
    """

    colours: int = 18
    size: int = 300
    workers: tuple[int, ...] = (1, 2, 3)
    share: float = 0.5
    colours_a_job: int = 5


QUICK = Scale(colours=2, workers=(1, 2))


@dataclass(frozen=True)
class Findings:
    """A run of few pictures and one of many in the stack as it is shipped; one of many by bounded workers."""

    scale: Scale
    shipped: list[Took]
    shared: dict[int, Took]

    def times(self, workers: int) -> float:
        """How many times as fast a whole run is over so many workers as over one."""
        return self.shared[1].whole / self.shared[workers].whole

    def times_at_work(self, workers: int) -> float:
        """The same of the time at work on jobs alone."""
        return self.shared[1].making / self.shared[workers].making


def missing() -> str:
    """What is not there to measure with, a sentence; empty: all is."""
    return compose.missing()


def measure(folder: Path, scale: Scale) -> Findings:
    """Measure all of it, in `folder`; `SystemExit` where no engine can be started here."""
    first, few, many = "fleet-first", "fleet-few", "fleet-many"
    shared = {workers: f"fleet-{workers}" for workers in scale.workers}
    workers_style.write_styles(folder / "styles", (first, few, many, *shared.values()), scale.colours)
    workers_style.fill(folder / "bucket", colours=scale.colours, size=scale.size, colours_a_job=scale.colours_a_job)
    with _stack(folder) as stack:
        start(stack, 1)
        stack.compose("run", "--rm", "--no-deps", "--volume", f"{folder}/bucket:/bucket:ro", "cli", *_COPY)
        api = _api(stack)
        _quieten(api)
        _run(api, first, f"{SHIPPED}, for the first time", few=True)  # Airflow's API puts much together at first
        shipped = [_run(api, few, SHIPPED, few=True), _run(api, many, SHIPPED, colours=scale.colours)]
        api.set_pool("imaging", max(scale.workers), "of the benchmark")
        made: dict[int, Took] = {}
        for workers, style in shared.items():
            with stack.settings(**ONE_AT_A_TIME, WORKER_CPUS=str(scale.share)):
                start(stack, workers)
            made[workers] = _run(api, style, f"{workers}, {scale.share} of a core each", colours=scale.colours)
        api.close()
    return Findings(scale, shipped, made)


ONE_AT_A_TIME = {"WORKER_CONCURRENCY": "1", "DARKROOM_WORKERS": "1"}
_COPY = ("darkroom", "store", "copy", "/bucket", "s3://studio")


@contextmanager
def _stack(folder: Path) -> Iterator[Stack]:
    """The stack, not started yet, on an engine with its images; everything is taken down at the end."""
    settings = {
        "COMPOSE_PROJECT_NAME": "darkroom-bench",
        "STUDIO_SAMPLE": "0",
        "STYLES_DIR": str(folder / "styles"),
    }
    try:
        with compose.engine(folder / "engine") as address:
            console.print("Building the images ...")
            compose.stand_ins(address, folder)
            stack = Stack(address, folder / "stack", port=free_ports(1), settings=settings)
            try:
                yield stack
            finally:
                with suppress(TimeoutExpired):  # its engine ends all the same
                    stack.compose("down", "--volumes", "--timeout", "5", check=False)
    except ServerFailed as failure:
        raise SystemExit(f"No Docker engine can be started here: {failure}") from None


def start(stack: Stack, workers: int) -> None:
    """Have so many workers, and all the rest of the stack."""
    console.print(f"Starting the stack with {workers} worker{'s' if workers > 1 else ''} ...")
    stack.up(workers, seconds=_STARTS)


def _api(stack: Stack) -> AirflowApi:
    api = AirflowApi(stack.address_of_ui, USER, stack.variables["AIRFLOW_PASSWORD"])
    api.log_in()
    return api


def _quieten(api: AirflowApi) -> None:
    """Wait for what has started by itself, and let nothing more."""
    for dag in (DAG, *OTHERS):
        _until(partial(api.has_dag, dag))
    _until(lambda: not any(api.active(dag) for dag in OTHERS))
    for dag in OTHERS:  # only now: a run of a paused DAG never ends
        api.pause(dag)


def _until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + _STARTS
    while True:
        with suppress(ApiError):  # a busy machine may not answer in time
            if holds():
                return
        if time.monotonic() > end:
            raise SystemExit("The stack does not come to rest.")
        time.sleep(1)


def _run(api: AirflowApi, style: str, where: str, *, colours: int = 1, few: bool = False) -> Took:
    """A run of a style, in all its colours; `few`: of one top in one of them."""
    renders = f"s3://studio/{keys.raw_renders(workers_style.NAME)}"
    conf: dict[str, Any] = {"style": style, "renders": renders, "approval": "none", "cuts": [CUT]}
    pictures = workers_style.pictures(colours)
    if few:
        conf |= {"colours": "0", "with_codes": [workers_style.ONE_TOP]}
        pictures = pictures * workers_style.OF_ONE_TOP // workers_style.COMBINATIONS
    took = run(api, conf, pictures)
    own = ", ".join(f"{task} {seconds:.1f} s" for task, seconds in took.own.items())
    said = f"{took.whole:.1f} s: jobs {took.making:.1f} s, {own}, Airflow {took.orchestration:.1f} s"
    console.print(f"{pictures:,} pictures, {where}: {said}")
    return took
