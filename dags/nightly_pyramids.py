"""Makes a pyramid TIFF of every image that changed, proven before the library's viewers see it.

A pyramid is a tiled TIFF of many sizes, from which image servers show large scans a tile at a time.

**collect** → **plan** → **run** (one task a job) → **settle** → **report**

- **collect** takes the messages about uploaded scans out of the queue and turns each into a marker (a small JSON that
  says "this image changed"), asks the API which files it wants, and fetches those that lie in Google Drive.
- **plan** reads the markers, looks at the images' headers, and says in its log what there is to do, what is done
  already, and what it refuses: two images that would have the same pyramid, a marker whose image is gone.
- **run** makes the pyramids, in jobs of about ten minutes by what the images take, in the pool `imaging`. Each is read
  back before it is published: a scan that is cut short never becomes a half-grey picture.
- **settle** looks at what was really published, notes it in the ledger, and only then removes the markers and tells the
  API, one by one. A marker that changed in the meantime stays. An image that failed keeps its marker for the next
  night; after some days (`DARKROOM_SCAN_NIGHTS`) the marker is set aside in `process-failed/`, with the reason.
- **report** writes `report.html` and `report.json`, with the failures by step (download, decode, write, validate), and
  fails the run when anything failed.

It runs every night; when it is not done by a set hour (`DARKROOM_PYRAMIDS_BY`), there is an alert.

## Parameters

All can be left as they are; then everything that is marked or listed is made.

| | |
| --- | --- |
| **Sources** | places of scans by name (`DARKROOM_SCAN_SOURCES`), and `appsync`, the API; empty means all |
| **Prefixes** | only images whose key begins with one of these |
| **Extensions** | only images with one of these extensions, such as `jpg` |
| **Mode** | `plan` only says what would be done; `changed` makes what is marked; `all` makes every image there is |
| **Limit** | at most so many images; the others wait for the next run |
| **Profile** | how the pyramids are written: `deflate` loses nothing, the others are smaller or newer |

To have images made again, mark them: `darkroom mark --source maps --prefix 1890/ --ext tif`.

## Backfill

A backfill makes the pyramids of the objects that changed in each of its intervals, whatever was marked. It never
touches a marker, the queue or the API.

## When it fails

Open the log of `report`, or `report.html`: every image that has no pyramid is listed there with its reason.

- **collect failed**: the parameters are wrong, or the studio's store is out of reach. The run's note says why, and its
  log lists every problem.
- **Images are listed** (damaged, no image, two with one name): deliver them again, or rename one. Their markers are
  still there, so the next night tries them again; nothing has to be triggered.
- **A file "stands there already and Darkroom did not make it"**: it lies where the pyramid, or the copy of a PDF, would
  go, and is left as it is. Move it away, or give the image another path in its marker.
- **A service did not answer** (the queue, the API): what it would have said waits there for the next night.
- **A marker was set aside**: it is in `process-failed/` with the reason. When the cause is gone, move it back, or mark
  the image again.
- **"… is at work on it"**: another run of this source is not settled yet. `plan` asks again a few times; what is marked
  waits for the next night. A run whose workers all died gives its sources back after 15 minutes.
- **A job of run failed without a list** (a lost machine, a kill): it was tried four times. When the cause is gone,
  resume.
- **settle failed**: the pyramids are there, and everything that asked for them is still waiting. Clear `settle`, with
  what comes after it.

## How to resume

Clear `run` with *Downstream*, but without *Clear only failed tasks*, which would leave `settle` out: jobs that were
finished end at once, the others make only the rest. Clear `plan` with *Downstream* to look anew at what is marked,
`collect` to ask the API and Google Drive anew as well. The time until the alert of a late run is then counted anew. The
next night does the same by itself.
"""

from airflow.sdk import DAG, Param

from darkroom_airflow import forms
from darkroom_airflow.defaults import run_defaults
from darkroom_airflow.operators import CollectOperator, PlanOperator, ReportOperator, SettleOperator, run_jobs
from darkroom_airflow.pools import IMAGING
from darkroom_airflow.schedules import daily_at, done_by, pyramids_night

WHICH = "Which images"
TO = "To what"
NIGHT = pyramids_night()

with DAG(
    dag_id="nightly_pyramids",
    dag_display_name="Nightly pyramids: a proven TIFF of every changed image",
    description="A proven pyramid TIFF of every image that a marker, the queue or the API says has changed",
    doc_md=__doc__,
    # 05:30 unless it is set otherwise: the studios' uploads and the nightly exports of the library's systems have ended
    # by then, and what is new is there when the reading rooms open at nine. By New York's clock, where those are.
    schedule=daily_at(NIGHT.begins, timezone="America/New_York"),
    deadline=done_by(NIGHT.ends, begins=NIGHT.begins),
    max_active_runs=1,
    params={
        # the first one: its section is the one that is open, and here it is on top
        "mode": forms.mode(),
        "sources": forms.scan_sources(section=WHICH),
        "prefixes": forms.lines(
            title="Prefixes",
            description_md="Only images whose key begins with one of these, such as *1890/*; one a line. Empty: all.",
            section=WHICH,
        ),
        "extensions": forms.lines(
            title="Extensions",
            description_md="Only images with one of these extensions, such as *jpg*; one a line. Empty: all.",
            section=WHICH,
        ),
        "limit": Param(
            0,
            type=["integer", "null"],
            minimum=0,
            title="Limit",
            description_md="At most so many images; the others wait for the next run. 0: all.",
            section=WHICH,
        ),
        "profile": forms.pyramid_profile(section=TO),
    },
    **run_defaults("pyramids"),
):
    collect = CollectOperator(task_id="collect", flow="pyramids")
    plan = PlanOperator(task_id="plan", flow="pyramids")
    run = run_jobs(plan, pool=IMAGING)
    settle = SettleOperator(task_id="settle")
    report = ReportOperator(task_id="report")

    collect >> plan >> run >> settle >> report
