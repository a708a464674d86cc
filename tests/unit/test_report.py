"""A report counts every item once, and says in words what was not done."""

from datetime import UTC, datetime

from darkroom.flows import Settlement
from darkroom.jobs import GroupPlan, JobRef, Manifest, Mode, NotDone, Outcome, Output, PlanFolder, Recorder, State, dump
from darkroom.reports import build_report, make_report
from darkroom.reports.page import page


def manifest(**changes: object) -> Manifest:
    base = {
        "flow": "compositing",
        "uri": "file:///bucket/work/x",
        "store": "file:///bucket",
        "mode": Mode.CHANGED,
        "created": datetime.now(UTC),
        "subject": "dress",
        "title": "dress · Knee",
        "request": {},
        "planned": 6,
        "skipped": 1,
        "todo": 4,
        "distinct": 5,
        "refused": (NotDone(item="e", group="g", state=State.REFUSED, reason="x.png is missing"),),
        "groups": {"g": GroupPlan(planned=6, skipped=1)},
    }
    return Manifest.model_validate(base | changes)


def outcome(item: str, state: State, reason: str = "") -> Outcome:
    output = Output(key=f"k/{item}.png", recipe="r", etag="e", bytes=10)
    done = state is State.DONE
    return Outcome(
        item=item, group="g", state=state, reason=reason, outputs=(output,) if done else (), bytes=10 if done else 0
    )


OUTCOMES = [
    outcome("a", State.DONE),
    outcome("b", State.FAILED, "disk full"),
    outcome("c", State.SKIPPED),
    outcome("d", State.DONE),
]


def test_planned_is_the_sum_of_what_became_of_it():
    report = build_report(manifest(), OUTCOMES)
    counts = (report.done, report.skipped, report.refused, report.failed, report.todo)
    assert counts == (2, 2, 1, 1, 0)
    assert report.planned == sum(counts)
    group = report.groups["g"]
    assert (group.planned, group.done, group.skipped, group.refused, group.failed) == (6, 2, 2, 1, 1)
    assert report.bytes == 20


def test_an_item_that_settling_could_not_prove_counts_as_failed():
    unproven = [NotDone(item="d", group="g", state=State.FAILED, reason="not proven: gone")]
    report = build_report(manifest(), OUTCOMES, Settlement(proven=1, unproven=tuple(unproven)))
    assert (report.done, report.failed) == (1, 2)
    assert "not proven: gone" in report.failure_text()


def test_what_no_worker_reached_is_said():
    report = build_report(manifest(), OUTCOMES[:2])
    assert report.todo == 2
    assert not report.ok
    assert "2 items were not reached" in report.failure_text()


def test_a_plan_that_was_only_to_be_looked_at_is_fine_with_work_undone():
    assert build_report(manifest(mode=Mode.PLAN, refused=(), planned=5), ()).ok


def test_each_reason_is_said_once_with_the_number_of_items():
    many = [outcome(f"i{number}", State.REFUSED, "x.png cannot be decoded") for number in range(5)]
    text = build_report(manifest(planned=7, refused=()), many).failure_text()
    assert text.count("cannot be decoded") == 1
    assert "i0 and 4 more" in text


def test_hostile_names_do_no_harm_on_the_page():
    report = build_report(
        manifest(title="<script>alert(1)</script>"), [outcome("<img onerror=x>", State.FAILED, "<b>")]
    )
    html = page(report, {"<i>.png": b"x"})
    assert "<script>alert" not in html
    assert "<img onerror" not in html
    assert "<i>.png" not in html


def test_a_report_before_settling_says_that_the_ledger_lacks_what_was_made(tmp_path):
    folder = PlanFolder.at(str(tmp_path))
    job = JobRef(uri=folder.uri_of("jobs/0001.json"), label="l", machine="small", items=1)
    folder.write(
        "plan.json",
        dump(manifest(uri=folder.uri, store=folder.uri, planned=1, skipped=0, refused=(), groups={}, jobs=(job,))),
    )
    Recorder(folder, 1, batch=1).add([outcome("a", State.DONE)])
    assert "the ledger lacks it" in make_report(folder).failure_text()
    folder.write("settled.json", dump(Settlement(proven=1)))
    assert make_report(folder).ok
