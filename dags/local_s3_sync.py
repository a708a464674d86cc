"""Uploads what is new or has changed in a folder to S3, by rules, and removes what is gone only within a guard.

Which folder goes where is said by *profiles* (YAML files in `DARKROOM_PROFILES_DIR`): a folder, its bucket, the rules
that say what may be uploaded, and the guard.

**plan** → **approve** → **run** (one task a job) → **settle** → **report**

- **plan** looks through the folder and lists the bucket, compares by size and hash (never by date), and says in its log
  what there is to do, what is done already, and what it refuses: a file whose name or size the rules do not allow.
- **approve** asks a person, and only where a sync would remove more than its guard allows; else it does nothing.
- **run** checks the content of each file, uploads it, and removes what is gone. What is overwritten or removed is set
  aside below `removed/` in the same bucket first, unless the profile says otherwise.
- **settle** looks at what really stands in the bucket.
- **report** writes `report.html` and `report.json`, and fails the run when anything failed or was refused.

It runs every day, in mode *copy*, which removes nothing; when, says `DARKROOM_SYNC_AT`. A folder is on some machines
only: **plan** and **run** go to the queue `DARKROOM_SYNC_QUEUE`, whose Airflow workers have it. Empty, all of them do.

## Parameters

All can be left as they are; then every enabled profile is copied.

| | |
| --- | --- |
| **Mode** | `plan` only says what a sync would do; `copy` uploads; `sync` also removes what is gone from the folder |
| **Profile** | only this one; empty means every enabled one |
| **Most removals** | to remove more than so many (`50`), or such a share (`5%`), it asks; empty: as the profile says |
| **Cache of hashes** | trust the hashes of files that have not changed since they were read; off: read every file |

## When a person is asked

**approve** then waits, and the run with it, for 24 hours at most. Open it, and its tab *Required Actions*: there is the
list. *Approve* removes all of it. *Reject* removes none of it; so does an answer that does not come. Everything else of
the run is done in any case, and the report says what was decided, and by whom.

What was answered stays answered, also when **approve** is cleared. To be asked again, trigger a new run: where **plan**
is cleared instead, Airflow goes on showing the first plan's list, and so another one counts as rejected.

## When it fails

Open the log of `report`, or `report.html`: every file that was not uploaded is listed there with its reason. Nothing
has to be triggered: the next day tries again.

- **A file is refused**: its name, size or content is not what the rules allow. The reason says which, and what to do.
- **The folder is empty, or is not there**: the drive is not mounted. Nothing was removed. Mount it.
- **"changed while it was read"**, or since the plan: somebody is writing to it. The next run takes it.
- **"somebody else wrote it since the plan"**: two programs write to one bucket. What they wrote is untouched.
- **"… is at work on it"**: another run writes to this bucket. `plan` asks again a few times.
- **approve asks a second time**: it was answered before Airflow knew that it waits. Answer again.
- **approve failed**: the studio's store could not be reached. Clear it with *Downstream*.
- **A job of run failed without a list** (a lost machine, a kill): it was tried four times. When the cause is gone, the
  next run goes on.

## How to resume

Wait for the next day, or clear `run` with *Downstream* to do the rest of this very plan, or trigger a new run.
"""

from airflow.sdk import DAG, Param

from darkroom_airflow import forms
from darkroom_airflow.defaults import run_defaults
from darkroom_airflow.operators import PlanApproval, PlanOperator, ReportOperator, SettleOperator, run_jobs
from darkroom_airflow.pools import IMAGING
from darkroom_airflow.queues import sync_queue
from darkroom_airflow.schedules import sync_days

WHICH = "Which folder"
HOW = "How"

with DAG(
    dag_id="local_s3_sync",
    dag_display_name="Local S3 sync: the checked files of a folder in S3, and nothing lost",
    description="Uploads the files of a folder to S3, checked by rules, and removes there what is gone, within a guard",
    doc_md=__doc__,
    # in the night, and a copy: what is removed is for a person to start
    schedule=sync_days(),
    max_active_runs=1,
    params={
        "mode": forms.sync_mode(),
        "profile": forms.profile(section=WHICH),
        "max_delete": forms.max_delete(section=HOW),
        "cache": Param(
            True,
            type="boolean",
            title="Cache of hashes",
            description_md="Trust the cache of hashes: a file that has not changed since is not read again. Off: every "
            "file is read.",
            section=HOW,
        ),
    },
    **run_defaults("sync"),
):
    plan = PlanOperator(task_id="plan", flow="sync", where=sync_queue())
    approve = PlanApproval(task_id="approve")
    run = run_jobs(plan, pool=IMAGING, where=sync_queue())
    settle = SettleOperator(task_id="settle")
    report = ReportOperator(task_id="report")

    plan >> approve >> run >> settle >> report
