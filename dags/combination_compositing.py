"""Makes every picture of a style: each combination of codes that a shopper can pick, in every length, colour and side.

Each picture is a composite of 800x800 and three smaller cuts of it.

**plan** → **approve** → **run** (one task a job) → **settle** → **report**

It starts by itself for a style whose renders have changed (`render_ingest` says so), and by hand.

- **plan** reads the style file, the list of renders and what was made before, and says in its log how many pictures
  there are to do, how many are skipped because they stand already, what it refuses and what looks odd. It opens no
  picture further than its size. If something in the request or the renders is wrong, it lists every reason and the run
  ends here, with nothing written.
- **approve** asks a person before anything new is made, and waits; where nothing is new, it goes on at once.
- **run** makes the pictures: one task for each job, named after its style, colours, side and lengths. The tasks share
  the pool `imaging`, whose slots say how many work at the same time (Admin, Pools).
- **settle** looks at what was really written and notes it in the ledger, so that the next run knows. It keeps what is
  proven even when other pictures failed.
- **report** writes `report.html` and `report.json` (its log says where they and the pictures lie) and decides the run:
  it fails when anything failed, and lists what.

## Parameters

All but the style can be left as they are; then every picture that is missing or out of date is made. A run that has
a partition makes the style of that name, whatever the form says.

| | |
| --- | --- |
| **Style** | the garment, one of the studio's style files |
| **Mode** | `plan` only says what would be done; `changed` makes what is missing or out of date; `all` makes all |
| **Lengths, sides, cuts** | only these; empty means all that the style has |
| **Colours** | numbers and ranges such as `0-5, 7`; empty means all |
| **Only with codes** | only combinations that contain every one of these codes, one a line |
| **Renders** | where the renders lie, a folder or a URI; empty means where they are delivered |
| **Combinations** | exported CSVs, one a line, `FILE` or `LENGTH=FILE`; empty means from the style file's options |
| **Missing layers** | `refuse`: a layer that nobody delivered ends the run; `skip`: only its pictures are left out |
| **Layout** | `names`: every picture under each of its names; `content`: each once under its sha256, with an index |
| **Delete stale pictures** | delete the pictures that need a render which is gone, instead of listing them |
| **Approval** | `ask`: **approve** asks a person before anything is made; `none`: nobody is asked |

## When a person is asked

**approve** waits for 24 hours at most. Open it, and its tab *Required Actions*: there is how many pictures it would
make, how long that takes and what it costs, the findings, and a contact sheet of pictures drawn from the proxies, which
show every layer once, those with findings first. The link leads to the fitting room, where every combination can be
seen, and flagged with a note.

*Approve* makes the pictures, but for one thing: while a flag of the style stands, an approval does not count. The log
of **approve** names the flags, and it asks again; clear them in the fitting room first. *Reject* makes none of them,
and so does an answer that does not come: the run ends well, and its report says who rejected it. Trigger a new run to
be asked again: what was answered stays answered, also when **approve** is cleared.

## When it fails

Open the log of `report`, or `report.html`: every picture that was not made is listed there with its reason.

- **plan failed**: the request or the renders are wrong. The run's note says why, and plan's log lists every problem
  and what to do about it. Correct them, then trigger a new run; or clear `plan`, when the parameters were right and
  only files were wrong.
- **approve failed**: the style's flags cannot be read; its log says what to do. Nothing was made.
- **"… is at work on it"**: another run of this style is not settled yet. `plan` asks again a few times; when it gave
  up, clear `plan` after that run's end. A run whose workers all died gives the style back after 15 minutes.
- **A job of run failed, with a list of pictures**: those could not be made, for instance because a render is cut short;
  all the others are there. Deliver the render again and trigger a new run with mode `changed`: it makes only what is
  missing.
- **A file "stands there and is not what Darkroom made"**: somebody put it at a picture's place, or changed the picture.
  It is left as it is. Move it away and trigger a new run, which makes that picture.
- **A job of run failed without a list** (a lost machine, a kill): it was tried four times. When the cause is gone,
  resume.
- **settle failed**: the pictures are there but not noted. Clear `settle`, with what comes after it; nothing is made
  again.

## How to resume

Clear `run` with *Downstream*, but without *Clear only failed tasks*, which would leave `settle` out: jobs that were
finished end at once, the others go on where they ended and make only the rest. Clear `plan` with *Downstream* to plan
anew: with mode `changed` the run then makes what is missing by now, with mode `all` everything again. A run's mode
cannot be changed afterwards; for another one trigger a new run.
"""

from airflow.sdk import DAG, Param, PartitionedAssetTimetable

from darkroom_airflow import forms
from darkroom_airflow.assets import RENDERS
from darkroom_airflow.defaults import run_defaults
from darkroom_airflow.operators import PlanApproval, PlanOperator, ReportOperator, SettleOperator, run_jobs
from darkroom_airflow.pools import IMAGING

WHICH = "Which pictures"
FROM = "From what"
TO = "To where"
HOW = "How"

with DAG(
    dag_id="combination_compositing",
    dag_display_name="Combination compositing: every picture of a style",
    description="Every combination of a style, in every length, colour, side and cut",
    doc_md=__doc__,
    # a run for each style whose renders have changed: the partition's key is its name
    schedule=PartitionedAssetTimetable(assets=RENDERS),
    max_active_runs=16,
    params={
        "style": forms.style(empty="choose one"),
        "mode": forms.mode(),
        "lengths": forms.lines(
            title="Lengths",
            description_md="Only these lengths, as the style's file names them, such as *knee*; one a line. Empty: all "
            "that the style has.",
            section=WHICH,
        ),
        "colours": Param(
            "",
            type=["string", "null"],
            examples=["0", "0-5", "0-5, 7"],
            title="Colours",
            description_md="Only these colours: numbers and ranges, such as *0-5, 7*. Empty: all that the style has.",
            section=WHICH,
        ),
        "sides": forms.sides(section=WHICH),
        "cuts": forms.cuts(section=WHICH),
        "with_codes": forms.lines(
            title="Only with codes",
            description_md="Only combinations that contain **every** one of these codes, such as *t1*; one a line.",
            section=WHICH,
        ),
        "renders": Param(
            "",
            type=["string", "null"],
            examples=["s3://deliveries/dress"],
            title="Renders",
            description_md="Where the style's renders lie: a folder or a URI. Empty: where they are delivered.",
            section=FROM,
        ),
        "combinations": forms.lines(
            title="Combinations",
            description_md="Exported CSVs where the task **plan** can read them, one a line, *FILE* or *LENGTH=FILE*. "
            "Empty: the combinations follow from the options in the style file.",
            section=FROM,
        ),
        "on_missing": Param(
            "refuse",
            type="string",
            enum=["refuse", "skip"],
            values_display={
                "refuse": "refuse: end the run and list every missing layer",
                "skip": "skip: leave out only the pictures that need it",
            },
            title="Missing layers",
            description_md="What to do about a layer that a picture needs and nobody delivered.",
            section=FROM,
        ),
        "layout": Param(
            "names",
            type="string",
            enum=["names", "content"],
            values_display={
                "names": "names: every picture under each of its names",
                "content": "content: each different picture once, with an index.json",
            },
            title="Layout",
            description_md="How the pictures lie in the bucket. **content**: under their sha256, and index.json beside "
            "them says which name is which picture.",
            section=TO,
        ),
        "prune": Param(
            False,
            type=["boolean", "null"],
            title="Delete stale pictures",
            description_md="Delete the pictures that need a render which is gone. Otherwise the report lists them as "
            "stale, and they stay.",
            section=TO,
        ),
        "approval": forms.approval(section=HOW),
    },
    **run_defaults("compositing"),
):
    plan = PlanOperator(task_id="plan", flow="compositing", partition="style")
    approve = PlanApproval(task_id="approve")
    run = run_jobs(plan, pool=IMAGING)
    settle = SettleOperator(task_id="settle")
    report = ReportOperator(task_id="report")

    plan >> approve >> run >> settle >> report
