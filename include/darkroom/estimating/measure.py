"""`--measure`: this machine's figures, from trials and a whole run on drawn samples; about half a minute."""

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from darkroom import figures as known
from darkroom.compositing.flow import FLOW
from darkroom.compositing.request import Request
from darkroom.estimating import trials
from darkroom.figures import OTHER, Figures, keep_figures
from darkroom.flows import Run
from darkroom.plan_folder import PlanFolder
from darkroom.planning import plan
from darkroom.progress import Progress
from darkroom.reports import make_report
from darkroom.sample import draw_renders, style_text
from darkroom.settling import settle
from darkroom.store import Store, open_store
from darkroom.worker import run_job
from darkroom.workspace import workspace

_LENGTH = "Knee"
_COLOUR = 0
_FEW = ("b1", "t1")  # codes that few pictures have
_STEPS = 6


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole run: what its jobs took of the cores, and what the figures say of it."""

    items: int
    core_seconds: float
    estimated: float
    kept: float
    """Seconds in planning, settling and reporting; in the end, of one item."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures, and the run that shows how far they are right."""

    figures: Figures
    whole: Whole


def measure(store: Store) -> Measured:
    """Measure this machine and a studio's store. Raises `StoreError` where nothing can be written there."""
    with workspace() as folder, Progress("measuring", _STEPS) as progress:

        def step(do: Callable[[], trials.Timed]) -> trials.Timed:
            done = do()
            progress.advance()
            return done

        write, rate = trials.store(store, f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{os.getpid()}")
        start = trials.start()
        progress.advance()
        studio = _studio(folder)
        pictures = step(lambda: trials.composites(studio.model_copy(update={"sides": ("front",)})))
        scans = trials.all_of(step(lambda kind=kind: trials.pyramid(folder, kind)) for kind in trials.SCANS)  # type: ignore[misc]
        figures = known.REFERENCE.model_copy(
            update={
                "machine": machine(),
                "measured": datetime.now(UTC).date(),
                "decode": pictures.mean("decode"),
                "compose": pictures.mean("compose"),
                "encode": pictures.mean("encode"),
                "crop": pictures.mean("crop"),
                "picture_bytes": pictures.size("picture"),
                "crop_bytes": pictures.size("crop"),
                "scan": {kind: scans.median(kind) for kind in trials.SCANS}
                | {OTHER: max(scans.median(kind) for kind in trials.SCANS)},
                "pyramid": scans.median("pyramid"),
                "pyramid_bytes": scans.size("pyramid") / 1000,
                "write": write,
                "writes_a_second": rate,
                "start": start,
            }
        )
        whole = _whole(studio, folder, figures)
        progress.advance()
    return Measured(figures.model_copy(update={"keep": whole.kept}), whole)


def machine() -> str:
    """This machine in a few words."""
    cores = f"{os.cpu_count() or 1} cores"
    return f"{platform.machine()}, {cores}, Python {platform.python_version()}"


def _studio(folder: Path) -> Request:
    """A studio with the sample dress, and the request for its pictures."""
    style, renders = folder / "sample-dress.yaml", folder / "renders"
    draw_renders(renders / "Sample Studio" / "Rendered PNGs", size=trials.SIZE, colours=(_COLOUR,))
    style.write_text(style_text(), encoding="utf-8")
    return Request(
        style_file=str(style), renders=str(renders), store=str(folder), lengths=(_LENGTH,), colours=str(_COLOUR)
    )


def _whole(studio: Request, folder: Path, figures: Figures) -> Whole:
    """Two whole runs: of few pictures, which also loads what is loaded once, and of many; and what the rest took."""
    few, many = (
        _run(studio.model_copy(update={"store": str(folder / name), "with_codes": codes}), figures)
        for name, codes in (("few", _FEW), ("many", ()))
    )
    kept = (many.kept - few.kept) / (many.items - few.items)
    return replace(many, kept=max(1e-6, kept))


def _run(request: Request, figures: Figures) -> Whole:
    """Plan, run, settle and report by these figures, as every run does; `kept` is of all items."""
    store = open_store(request.store)
    # by what this folder takes, and not the store that was measured: the run writes there
    write, rate = trials.store(store, "folder")
    keep_figures(store, figures.model_copy(update={"write": write, "writes_a_second": rate}))
    began = time.process_time()
    manifest = plan(FLOW, request, Run("estimate", "measure"))
    planned = time.process_time()
    for job in manifest.jobs:
        run_job(job.uri, workers=os.cpu_count() or 1)
    worked = time.process_time()
    plans = PlanFolder.at(manifest.uri)
    settle(plans)
    report = make_report(plans)
    kept = (planned - began) + (time.process_time() - worked)
    assert manifest.estimate
    return Whole(report.done, report.core_seconds, manifest.estimate.core_seconds, kept)
