"""A report counts every item once, and says in words what was not done."""

from datetime import UTC, datetime

import pytest

from darkroom.jobs import GroupReport, JobRef, Manifest, Mode, NotDone, Outcome, Output, Settlement, State, dump
from darkroom.plan_folder import PlanFolder, Recorder
from darkroom.reports import build_report, failure_text, make_report, result_line
from darkroom.reports.page import page as page_of
from darkroom.reports.page import shown


def page(report, pictures):
    return page_of(shown(report, pictures))


def manifest(**changes: object) -> Manifest:
    base = {
        "flow": "compositing",
        "noun": "picture",
        "run": "compositing, run x",
        "uri": "file:///bucket/work/x",
        "store": "file:///bucket",
        "output_store": "file:///bucket",
        "mode": Mode.CHANGED,
        "created": datetime.now(UTC),
        "subjects": ("dress",),
        "title": "dress · Knee",
        "request": {},
        "planned": 6,
        "skipped": 1,
        "todo": 4,
        "distinct": 5,
        "refused": (NotDone(item="e", group="g", state=State.REFUSED, reason="x.png is missing"),),
        "groups": {"g": GroupReport(planned=6, skipped=1)},
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
    assert "not proven: gone" in failure_text(report)


def test_what_no_worker_reached_is_said():
    report = build_report(manifest(), OUTCOMES[:2])
    assert report.todo == 2
    assert not report.ok
    assert "Left, for nobody came to them: 2 pictures; clear run in Airflow, or run the command again." in failure_text(
        report
    )


def test_a_plan_that_was_only_to_be_looked_at_is_fine_with_work_undone():
    assert build_report(manifest(mode=Mode.PLAN, refused=(), planned=5), ()).ok


def test_each_reason_is_said_once_with_the_number_of_items():
    many = [outcome(f"i{number}", State.REFUSED, "x.png cannot be decoded") for number in range(5)]
    text = failure_text(build_report(manifest(planned=6, refused=()), many))
    assert text.splitlines() == [
        "5 of 6 items were refused and 0 failed:",
        "- x.png cannot be decoded: 5 pictures, such as i0 (refused)",
    ]


def test_report_alert_and_page_tell_one_cause_once_the_one_that_cost_most_first():
    many = [outcome("alone", State.FAILED, "disk full")]
    many += [
        outcome(f"i{number}", State.REFUSED, "b2.png is cut short").model_copy(update={"where": "/studio/b 2.png"})
        for number in range(24)
    ]
    report = build_report(manifest(planned=26, refused=()), many)
    assert [(cause.reason, cause.count, cause.items) for cause in report.causes] == [
        ("b2.png is cut short", 24, ("i0", "i1", "i2")),
        ("disk full", 1, ("alone",)),
    ]
    assert failure_text(report).splitlines()[1:] == [
        "- b2.png is cut short: 24 pictures, such as i0 (refused; /studio/b 2.png)",
        "- disk full: alone (failed)",
    ]
    html = page(report, {})
    assert html.count("b2.png is cut short") == 1
    assert "i0, i1, i2" in html
    assert len(report.not_done) == 25, "the list as a whole stays in report.json"


@pytest.mark.parametrize(
    ("changes", "outcomes", "line"),
    [
        ({"planned": 3, "refused": ()}, [OUTCOMES[0], OUTCOMES[3]], "3 pictures: 2 done, 1 skipped."),
        ({}, OUTCOMES, "6 pictures: 2 done, 2 skipped, 1 refused, 1 failed. x.png is missing: e (refused)"),
        ({"planned": 6, "refused": (), "mode": Mode.PLAN}, (), "6 pictures: 5 would be done, 1 skipped."),
        ({"planned": 4, "refused": ()}, [OUTCOMES[0]], "4 pictures: 1 done, 1 skipped, 2 left."),
        (
            {"planned": 1, "skipped": 0, "refused": (), "problems": ("a:\nno\tpair.",)},
            (),
            "1 picture: 0 done, 1 left. a: no pair.",
        ),
    ],
)
def test_the_result_is_said_in_a_line(changes, outcomes, line):
    assert result_line(build_report(manifest(**changes), outcomes)) == line


def test_the_line_of_a_result_says_what_was_not_approved_and_is_short_whatever_a_reason():
    report = build_report(
        manifest(refused=(), planned=5), [outcome("a", State.FAILED, "x" * 5000)], Settlement(proven=0, held=3)
    )
    line = result_line(report)
    assert line.startswith("5 pictures: 0 done, 1 skipped, 1 failed, 3 not approved. xxx")
    assert len(line) < 500
    assert line.endswith("(failed)") or line.endswith("...")


def test_a_report_calls_the_same_things_by_the_same_words_everywhere():
    report = build_report(manifest(mode=Mode.PLAN, refused=(), planned=5), ())
    html = page(report, {})
    for word in ("left", "different", "files", "skipped"):
        assert f"</b>{word}</div>" in html
    for word in ("todo", "distinct", "outputs"):
        assert word not in html
    assert report.groups["g"].left == 5


def test_a_place_is_shown_as_a_person_would_type_it():
    html = page(build_report(manifest(uri="file:///my%20studio/work/x"), OUTCOMES), {})
    assert "Plan: /my studio/work/x" in html


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
    assert "the ledger lacks it" in failure_text(make_report(folder))
    folder.write("settled.json", dump(Settlement(proven=1)))
    assert make_report(folder).ok
