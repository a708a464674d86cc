"""`make run`: start the studio, draw the sample dress, make its pictures through Airflow, say where everything is."""

import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import quote

from darkroom import keys
from darkroom.jobs import PlanFolder, parse
from darkroom.reports import Report
from demo.airflow import plain_environment
from demo.credentials import USER
from demo.layout import PROJECT, Layout
from demo.rest import ApiError
from demo.studio import Studio, StudioError
from demo.watch import console, steps, watch

DAG = "combination_compositing"
STYLE = "sample-dress"


def main() -> int:
    """Returns the exit code: 0 when the pictures are there."""
    # so that `kill` unwinds like Ctrl-C, and nothing half-started stays
    signal.signal(signal.SIGTERM, _interrupt)
    studio = Studio(Layout(PROJECT / "var"))
    try:
        with studio.locked():
            _start(studio)
        return _make_pictures(studio)
    except StudioError as error:
        console.print(str(error), markup=False, style="red", soft_wrap=True)
        return 1
    except ApiError as error:
        console.print(f"{error}\nThe studio's logs: {studio.layout.logs}", markup=False, style="red", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        left = "the studio still runs, `make stop` ends it" if studio.running() else "nothing is left running"
        console.print(f"\nInterrupted: {left}.", markup=False)
        return 130


def _start(studio: Studio) -> None:
    with steps() as say:
        studio.start(say)
        studio.make_pools()
        # the command writes the style file last
        if not (studio.layout.bucket / f"{STYLE}.yaml").exists():
            say("drawing the sample dress")
            draw = [str(Path(sys.executable).with_name("darkroom")), "sample", "--out", str(studio.layout.bucket)]
            studio.command("sample", draw, plain_environment())
        say("waiting for the DAG")
        studio.wait_for_dag(DAG)


def _make_pictures(studio: Studio) -> int:
    pictures = studio.layout.bucket / keys.cut_prefix(STYLE, keys.COMPOSITE)
    with studio.api() as api:
        run_id = api.trigger(DAG, {"style": STYLE})
        console.print(f"Airflow runs on {studio.address}; making the pictures of {STYLE} ...")
        state = watch(api, DAG, run_id, pictures, studio.check_alive)
        plan = api.xcom(DAG, run_id, "plan", "plan_uri")
        problems = api.xcom(DAG, run_id, "plan", "problems")
    report = _report(plan) if plan else None
    if state == "success" and report:
        _say_where(studio, run_id, pictures, report)
        return 0
    said = report.failure_text() if report else "\n".join(problems or ["There is no report; its tasks' logs say more."])
    console.print(f"The run failed.\n{said}", markup=False, style="red", soft_wrap=True)
    _say({"Run": _run_page(studio, run_id), "Airflow": _ui(studio)})
    return 1


def _report(plan: str) -> Report | None:
    folder = PlanFolder.at(plan)
    if not folder.has(keys.REPORT_JSON):
        return None
    return parse(Report, folder.read(keys.REPORT_JSON), folder.uri_of(keys.REPORT_JSON))


def _say_where(studio: Studio, run_id: str, pictures: Path, report: Report) -> None:
    page = PlanFolder.at(report.plan).uri_of(keys.REPORT_HTML)
    made = f"{report.done:,} pictures made, {report.skipped:,} were there already"
    console.print(f"{made}, in {report.seconds:.0f} s.")
    _say(
        {
            "Pictures": str(pictures),
            "Report": page,
            "Run": _run_page(studio, run_id),
            "Airflow": _ui(studio),
            "Stop": "make stop",
        }
    )


def _say(lines: Mapping[str, str]) -> None:
    for name, value in lines.items():
        console.print(f"  {name:9} {value}", markup=False, soft_wrap=True)


def _ui(studio: Studio) -> str:
    return f"{studio.address}  user {USER}  password {studio.credentials.password}"


def _run_page(studio: Studio, run_id: str) -> str:
    return f"{studio.address}/dags/{DAG}/runs/{quote(run_id)}"


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
