"""Brings delivered renders into the studio's bucket, with a proxy of each for the fitting room, and the catalogue.

Where renders are delivered is said by `DARKROOM_RENDERS_FROM`: a Dropbox folder (`dropbox:/Studio/Renders`), a folder
or a bucket. A style's file names the folders below it that hold its renders (`source_folders`); one that names none has
the folder of its own name.

**plan** → **run** (one task a job) → **settle** → **report**

- **plan** asks what has changed since the last run (of Dropbox by a cursor for each style, elsewhere by a listing), and
  says in its log what there is to bring, what is done already, and what it refuses: names that differ by case or
  spelling only. A file that is still being written waits for a later run, and so does the cursor.
- **run** copies each render as it was delivered, its hash proven, and makes its proxy. A file that is no picture, or a
  broken one, is brought all the same; it has no proxy, and the report says why.
- **settle** looks at what really stands, puts aside what is gone from the source, writes the catalogue and moves the
  cursor: never beyond what is proven. For each style of which something is new, it starts `combination_compositing`.
- **report** writes `report.html` and `report.json`, and fails the run when anything failed or was refused.

It runs every 15 minutes, unless `DARKROOM_INGEST_AT` says otherwise: a run that finds nothing new asks for listings and
ends.

## Parameters

All can be left as they are; then every style is looked at.

| | |
| --- | --- |
| **Style** | only this one; empty means every style of the studio |
| **Source** | where the renders are delivered; empty means `DARKROOM_RENDERS_FROM` |
| **Mode** | `plan` only says what it would do; `changed` brings what is new or has changed; `all` brings all anew |
| **Most removals** | a run that would remove more than so many (`50`), or such a share (`5%`), removes nothing |

## Backfill

A backfill makes the proxies again of the renders that were delivered in each interval: after a change of how proxies
are made, say. It asks the source for nothing, and never moves a cursor.

## When it fails

Open the log of `report`, or `report.html`: every file that was not brought, or has no proxy, is listed there with its
reason. Nothing has to be triggered: the next run, in 15 minutes, tries again.

- **A file "cannot be decoded", or its name is read by no rule**: it was delivered so. Deliver it again, right; the
  checks of the whole style (`darkroom check`) say what else is missing.
- **Two names that clash**: they differ by case, or by how a letter with an accent is written. Rename or remove one.
- **"… lists nothing, though …"**: the source is empty or another one, so that nothing is removed. Mend the setting, the
  access, or the source.
- **Dropbox says that the token is expired or has no access**: see the connection `dropbox_default`
  (`docs/ingest.md` says how it is made).
- **"… is at work on it"**: another run brings renders of this style. `plan` asks again a few times.
- **A job of run failed without a list** (a lost machine, a kill): it was tried four times. What was brought is kept;
  the next run goes on.

## How to resume

Wait for the next run, or clear `plan` with *Downstream*.
"""

from airflow.sdk import DAG, Param

from darkroom_airflow import forms
from darkroom_airflow.assets import RENDERS
from darkroom_airflow.defaults import run_defaults
from darkroom_airflow.operators import PlanOperator, ReportOperator, SettleOperator, run_jobs
from darkroom_airflow.pools import IMAGING
from darkroom_airflow.schedules import ingest_hours

FROM = "From what"
HOW = "How"

with DAG(
    dag_id="render_ingest",
    dag_display_name="Render ingest: what was delivered, its proxies, its catalogue",
    description="Delivered renders in the studio's bucket, with proxies and a catalogue for the fitting room",
    doc_md=__doc__,
    # often, as QA waits for what was just delivered, and a look at what has not changed costs a listing or two
    schedule=ingest_hours(),
    max_active_runs=1,
    params={
        "style": forms.style(empty="every style"),
        "mode": forms.mode(),
        "source": Param(
            "",
            type=["string", "null"],
            examples=["dropbox:/Studio/Renders", "s3://deliveries"],
            title="Source",
            description_md="Where the renders are delivered: *dropbox:/path*, a folder or a URI. Empty: "
            "DARKROOM_RENDERS_FROM.",
            section=FROM,
        ),
        "max_delete": Param(
            "",
            type=["string", "null"],
            pattern=r"^(\d+%?)?$",
            title="Most removals",
            description_md="A run in which more than so many renders are gone from the source (*50*), or such a share "
            "of them (*5%*), removes none. Empty: half of them.",
            section=HOW,
        ),
    },
    **run_defaults("ingest"),
):
    plan = PlanOperator(task_id="plan", flow="ingest")
    run = run_jobs(plan, pool=IMAGING)
    settle = SettleOperator(task_id="settle", outlets=[RENDERS])
    report = ReportOperator(task_id="report")

    plan >> run >> settle >> report
