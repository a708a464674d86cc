"""Copies what is new or has changed in Google Cloud Storage to S3, every hash proven, every version kept.

What is copied where is said by *pairs* (YAML files in `DARKROOM_PAIRS_DIR`): a source, its mirror, and an archive of
every version that ever stood in the mirror.

**plan** → **run** (one task a job) → **settle** → **report**

- **plan** lists both sides and compares them by hash, and says in its log what there is to do, what is done already,
  and what it refuses: two objects that would have the same copy. A pair that cannot be planned (no access, a source
  that suddenly lists nothing) is left alone, fails the run at its end, and does not stop the others.
- **run** copies, each object in one stream. What stands in the mirror is archived before it is replaced; the new
  version is archived too; everything that was written is read back. Where a pair asks for it, thumbnails are posted to
  WordPress then.
- **settle** looks at what really stands in both buckets, and notes it in the ledger.
- **report** writes `report.html` and `report.json`, and fails the run when anything failed. Where a hash was not the
  one that it had to be, there is an alert of its own, with both.

It runs every hour, unless `DARKROOM_ARCHIVE_AT` says otherwise: a run over what has not changed makes nothing but
listings.

## Parameters

All can be left as they are; then every enabled pair is mirrored.

| | |
| --- | --- |
| **Pairs** | only these; empty means every enabled one |
| **Prefix** | only objects whose name begins so: a GCS prefix, not a folder, and without a slash before it |
| **Mode** | `plan` only says what would be done; `changed` copies what differs; `all` proves all of it anew |
| **Verify** | *read back*, or *store's checksum*; empty means as each pair says |
| **WordPress** | post thumbnails, where a pair says so |

## When it fails

Open the log of `report`, or `report.html`: every object that was not mirrored is listed there with its reason. Nothing
has to be triggered: the next hour tries again.

- **A hash mismatch**: what was read back, or what the source gave, has another hash than it must have. Nothing that was
  proven before is lost: the version that stood there is in the archive (`darkroom archive versions`). See
  `docs/archive.md` for what to do.
- **"lists nothing, though …"**: the source is empty or another one. Mend the credentials or the pair's file.
- **"… gone from the source, and its guards …"**: more is gone than a run may remove. Look whether that is right.
- **"somebody else wrote it since the plan"**: two programs write to one mirror. What they wrote is untouched.
- **"… is at work on it"**: another run writes to this mirror. `plan` asks again a few times.
- **A thumbnail is listed**: WordPress did not take it. Its object is mirrored all the same, and it is posted when
  WordPress can be reached again.
- **A job of run failed without a list** (a lost machine, a kill): it was tried four times. When the cause is gone, the
  next run goes on; no version that ever stood there is missing.

## How to resume

Wait for the next hour, or clear `plan` with *Downstream*.
"""

from airflow.sdk import DAG, Param

from darkroom_airflow import forms
from darkroom_airflow.defaults import run_defaults
from darkroom_airflow.operators import PlanOperator, ReportOperator, SettleOperator, run_jobs
from darkroom_airflow.pools import IMAGING
from darkroom_airflow.schedules import archive_hours

WHICH = "Which objects"
HOW = "How"

with DAG(
    dag_id="gcs_archive_sync",
    dag_display_name="GCS archive sync: a proven copy of every object in S3, and every version of it",
    description="A proven copy in S3 of every object of Google Cloud Storage, and every version that it ever had",
    doc_md=__doc__,
    # every hour unless it is set otherwise: a scan that is overwritten by mistake is missed within the day, and a run
    # over what has not changed costs two listings
    schedule=archive_hours(),
    max_active_runs=1,
    params={
        "mode": forms.mode(),
        "pairs": forms.pairs(section=WHICH),
        "prefix": Param(
            "",
            type=["string", "null"],
            title="Prefix",
            description_md="Only objects whose name begins so, such as *maps/18*: a prefix, not a folder. Empty: all.",
            section=WHICH,
        ),
        "verify": forms.verify(section=HOW),
        "wordpress": Param(
            True,
            type="boolean",
            title="WordPress",
            description_md="Post thumbnails of new and changed images, where a pair says so.",
            section=HOW,
        ),
    },
    **run_defaults("archive"),
):
    plan = PlanOperator(task_id="plan", flow="archive")
    run = run_jobs(plan, pool=IMAGING)
    settle = SettleOperator(task_id="settle")
    report = ReportOperator(task_id="report")

    plan >> run >> settle >> report
