"""`make run`: start the studio, draw the samples, show the flows through Airflow, say where everything is."""

import shutil
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from darkroom import keys
from darkroom.sample.scans import draw_scans
from demo.airflow import callers_settings
from demo.credentials import USER
from demo.flows import (
    ARCHIVE,
    COMPOSITING,
    FLOWS,
    INGEST,
    PYRAMIDS,
    STYLE,
    SYNC,
    Result,
    archive_scans,
    make_pictures,
    make_pyramids,
    sync_shops,
    take_renders,
    wait_for_nights,
)
from demo.layout import PROJECT, Layout
from demo.rest import ApiError
from demo.room import is_full, require_path, require_room
from demo.studio import Busy, Say, Studio, StudioError, sentence
from demo.watch import console, steps


def main() -> int:
    """Returns the exit code: 0 when the flows did what they should."""
    # so that `kill` unwinds like Ctrl-C, and nothing half-started stays
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        studio = Studio(Layout(PROJECT / "var"), deployment=callers_settings())
    except OSError as error:
        return _complain(sentence(error))
    try:
        with studio.locked():
            _start(studio)
        with studio.showing():
            console.print(f"Airflow runs on {studio.address}.")
            return show(studio, [*_dress(studio), _pyramids(studio), _archive(studio), _sync(studio)])
    except Busy as busy:
        return _complain(str(busy))
    except (StudioError, ApiError, OSError) as error:
        return _give_up(studio, error)
    except KeyboardInterrupt:
        left = "the studio still runs, `make stop` ends it" if studio.running() else "nothing is left running"
        console.print(f"\nInterrupted: {left}.", markup=False)
        return 130


def _give_up(studio: Studio, error: Exception) -> int:
    """Say what is wrong, and end what is left of a studio that has died."""
    try:
        with studio.locked():
            said = sentence(_cause(studio, error))
            if is_full(studio.layout):
                said = f"The disk of {studio.layout.root} is full: make room, then run `make run` again."
            if studio.processes() and not studio.running():
                studio.stop()
                said += "\nWhat was left of the studio is ended."
    except Busy:
        said = "Another `make run` or `make stop` has ended the studio meanwhile."
    except OSError:  # it may be another user's
        said = sentence(error)
    return _complain(said)


def _cause(studio: Studio, error: Exception) -> Exception:
    """Why Airflow does not answer: mostly it has ended."""
    try:
        if isinstance(error, ApiError):
            studio.check_alive()
    except StudioError as ended:
        return ended
    return error


def _complain(said: str) -> int:
    console.print(said, markup=False, style="red", soft_wrap=True)
    return 1


def show(studio: Studio, results: Sequence[Result]) -> int:
    """A line a flow, what is to be known besides, and how to get in; returns the exit code."""
    console.print()
    for line, style in zip(_table(results), ["bold", *("green" if one.ok else "red" for one in results)], strict=True):
        console.print(line, markup=False, style=style, soft_wrap=True)
    for result in results:
        if result.note or result.report:
            said = "\n".join(part for part in (result.note, result.report and f"Its report: {result.report}") if part)
            console.print(f"\n{result.dag}: {said}", markup=False, soft_wrap=True)
    console.print()
    _say("Airflow", f"{studio.address}  user {USER}  password {studio.credentials.password}")
    _say("Lightbox", f"{studio.address}/plugin/lightbox/darkroom/lightbox/  the pictures and pyramids, to be looked at")
    _say("Stop", "make stop")
    return 0 if all(result.ok for result in results) else 1


def _table(results: Sequence[Result]) -> list[str]:
    """Its head and a line for each; a run's page stands below the rest where the terminal is too narrow for both."""
    rows = [("flow", "result", "what it made", "its run")]
    rows += [(one.dag, one.said, one.place, one.run) for one in results]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ["  ".join(f"{word:{width}}" for word, width in zip(row, widths, strict=False)) for row in rows]
    narrow = console.is_terminal and len(lines[0]) + max(len(one.run) for one in results) + 4 > console.width
    between = f"\n  {'':{widths[0]}}  " if narrow else "  "
    return [f"  {line}{between}{row[3]}".rstrip() for line, row in zip(lines, rows, strict=True)]


def _start(studio: Studio) -> None:
    require_path(studio.layout)
    require_room(studio.layout)
    with steps() as say:
        _draw(studio, say)  # first, as Airflow looks for deliveries by itself
        studio.start(say)
        studio.make_pools()
        say("waiting for the DAGs")
        for dag in FLOWS:
            studio.wait_for_dag(dag)


def _draw(studio: Studio, say: Say) -> None:
    """The samples, where they are not there yet; the renders as a studio delivers them."""
    deliveries = studio.layout.deliveries
    if not deliveries.exists():
        say("drawing the sample dress")
        new = deliveries.with_name(".deliveries.part")
        studio.darkroom("sample", "sample", "--out", str(new))
        (new / keys.raw_renders(STYLE)).rename(deliveries)
        shutil.rmtree(new)
    if not studio.layout.scans.exists():
        say("drawing six sample scans")
        new = studio.layout.scans.with_name(".scans.part")
        draw_scans(new)
        new.rename(studio.layout.scans)


def _dress(studio: Studio) -> list[Result]:
    if "DARKROOM_RENDERS_FROM" in callers_settings():
        said = "not started: DARKROOM_RENDERS_FROM is yours; trigger a run, or wait for the next quarter of an hour"
        return [Result(INGEST, True, said), Result(COMPOSITING, True, "not started: new renders start it")]
    taken = take_renders(studio)
    if not taken.ok:
        return [taken, Result(COMPOSITING, False, f"not started: see {INGEST}")]
    return [taken, make_pictures(studio, fresh=taken.fresh)]


def _pyramids(studio: Studio) -> Result:
    if "DARKROOM_SCAN_SOURCES" in callers_settings():
        said = "not started: DARKROOM_SCAN_SOURCES is yours; `darkroom mark` some images of it, then trigger a run"
        return Result(PYRAMIDS, True, said)
    wait_for_nights(studio)
    return make_pyramids(studio)


def _archive(studio: Studio) -> Result:
    if "DARKROOM_PAIRS_DIR" in callers_settings():
        return Result(ARCHIVE, True, "not started: DARKROOM_PAIRS_DIR is yours; trigger a run of its pairs")
    return archive_scans(studio)


def _sync(studio: Studio) -> Result:
    if "DARKROOM_PROFILES_DIR" in callers_settings():
        return Result(SYNC, True, "not started: DARKROOM_PROFILES_DIR is yours; trigger a run of its profiles")
    return sync_shops(studio)


def _say(name: str, value: str) -> None:
    console.print(f"  {name:8} {value}", markup=False, soft_wrap=True)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
