"""The whole DAG, run in this process with `dag.test()`: real plans, real workers, real pictures."""

import json
from typing import Any

import pytest

from tests.dags.tiny_studio import CUTS, PICTURES, Run, Studio, run_dag

DAG_ID = "combination_compositing"
STYLE = "tiny-gown"  # no other file's: in one process with them, nothing of it is made yet

pytestmark = pytest.mark.usefixtures("dagbag")


@pytest.fixture(scope="module")
def whole(dagbag: Any, studio: Studio) -> Run:
    """Everything that a tiny style offers, as the form stands."""
    studio.add_style(STYLE)
    return run_dag(DAG_ID, {"style": STYLE})


def test_it_makes_every_picture_in_every_cut(whole: Run, studio: Studio) -> None:
    assert whole.state == "success"
    for cut in CUTS:
        assert len(studio.pictures(STYLE, cut)) == PICTURES, cut
    assert {"default-knee-front-0000", "b1-t2-knee-back-0001", "t1-maxi-front-0001"} <= studio.pictures(
        STYLE, "800x800"
    )


def test_every_task_succeeds_and_the_mapped_ones_say_what_they_are(whole: Run) -> None:
    jobs = whole.xcoms["plan", "return_value"]
    assert whole.tasks == {
        "plan": "success",
        "approve": "success",
        "settle": "success",
        "report": "success",
        **{f"run[{at}]": "success" for at in range(len(jobs))},
    }
    assert sorted(whole.labels) == sorted(job["job_label"] for job in jobs)
    assert all(label.startswith(f"{STYLE} · 0000-0001 · ") and "Knee, Maxi" in label for label in whole.labels)


def test_the_report_counts_every_picture(whole: Run) -> None:
    report = whole.report
    assert (report["planned"], report["done"], report["skipped"]) == (PICTURES, PICTURES, 0)
    assert (report["refused"], report["failed"], report["todo"]) == (0, 0, 0)
    assert 0 < report["distinct"] <= PICTURES
    assert report["bytes"] > 0
    assert report["not_done"] == report["problems"] == []
    assert (whole.plan / "report.html").read_text().lstrip().lower().startswith("<!doctype html>")


def test_xcoms_hold_addresses_labels_and_counts_only(whole: Run) -> None:
    assert set(whole.xcoms) == {
        ("plan", "return_value"),
        ("plan", "plan_uri"),
        ("plan", "counts"),
        ("report", "report_uri"),
        ("report", "counts"),
        ("report", "result"),
    }
    for job in whole.xcoms["plan", "return_value"]:
        assert set(job) == {"job_uri", "job_label", "machine"}
        assert job["job_uri"].startswith(whole.xcoms["plan", "plan_uri"] + "/jobs/")
        assert job["machine"] in ("small", "large", "xlarge")
    for task in ("plan", "report"):
        assert all(isinstance(count, int) for count in whole.xcoms[task, "counts"].values())
    assert whole.xcoms["plan", "counts"]["todo"] == PICTURES
    assert whole.xcoms["report", "result"].startswith(f"{PICTURES} pictures: {PICTURES} done.")
    assert whole.xcoms["report", "report_uri"] == whole.xcoms["plan", "plan_uri"] + "/report.html"
    assert len(json.dumps(list(whole.xcoms.values()))) < 4000


def test_a_second_run_finds_everything_done(whole: Run) -> None:
    run = run_dag(DAG_ID, {"style": STYLE})
    assert run.state == "success"
    assert run.tasks == {
        "plan": "success",
        "approve": "success",
        "run": "skipped",
        "settle": "success",
        "report": "success",
    }
    assert (run.report["planned"], run.report["done"], run.report["skipped"]) == (PICTURES, 0, PICTURES)


def test_mode_plan_says_what_would_be_done_and_does_nothing(whole: Run, studio: Studio) -> None:
    studio.render(STYLE, "t1_neckline_front_0000.png").unlink()
    studio.draw(STYLE, ["t1_neckline_front"], [0])  # the same pixels, but a new file: only reading it would tell
    run = run_dag(DAG_ID, {"style": STYLE, "mode": "plan"})
    assert run.state == "success"
    assert run.tasks["run"] == "skipped"
    assert run.xcoms["plan", "return_value"] == []
    assert run.xcoms["plan", "counts"]["todo"] == 3  # t1 and t1-b1 in Knee, t1 in Maxi; in front, in colour 0
    assert run.report["done"] == 0


def test_the_forms_choices_narrow_the_run(whole: Run) -> None:
    run = run_dag(
        DAG_ID,
        {
            "style": STYLE,
            "mode": "all",
            "lengths": ["knee"],
            "colours": "1",
            "sides": ["back"],
            "cuts": ["800x800", "top-crop"],
            "with_codes": ["b1", ""],  # the form's lines, with an empty one at the end
            "combinations": None,  # a field that was emptied
        },
    )
    assert run.state == "success"
    assert run.report["done"] == run.report["planned"] == 3
    assert run.labels == [f"{STYLE} · 0001 · back · Knee"]


def test_a_refused_request_fails_the_run_with_every_problem_and_writes_nothing(
    studio: Studio, capfd: pytest.CaptureFixture[str]
) -> None:
    run = run_dag(DAG_ID, {"style": "tiny-dress", "lengths": ["Ankle"], "colours": "0-7", "with_codes": ["t99"]})
    assert run.state == "failed"
    assert run.tasks == {
        "plan": "failed",
        "approve": "upstream_failed",
        "run": "upstream_failed",
        "settle": "skipped",
        "report": "failed",
    }
    problems = run.xcoms["plan", "problems"]
    assert set(run.xcoms) == {("plan", "problems")}
    for wrong in ("'Ankle'", "'0-7'", "'t99'"):
        assert sum(wrong in problem for problem in problems) == 1, wrong
    log = capfd.readouterr()
    said = [line for line in (log.out + log.err).splitlines() if line.startswith("- ")]
    for problem in problems:
        # the console's renderer adds the logger's name to the last line
        assert sum(line.startswith(f"- {problem}") for line in said) >= 2, "plan and report both list them"
    assert "Task failed with exception" not in log.out + log.err, "the sentences stand there instead"
    assert 'task_runner.py", line' not in log.out + log.err, "and no traceback"
    assert not (studio.store / "work" / DAG_ID / run.run_id).exists()


def test_one_truncated_render_refuses_its_pictures_and_the_others_are_made(
    studio: Studio, capfd: pytest.CaptureFixture[str]
) -> None:
    torn = studio.render("tiny-torn", "t2_neckline_front_0001.png")
    torn.write_bytes(torn.read_bytes()[:-60])
    run = run_dag(DAG_ID, {"style": "tiny-torn"})
    lost = {"t2-knee-front-0001", "b1-t2-knee-front-0001", "t2-maxi-front-0001"}
    assert run.state == "failed"
    assert (run.tasks["settle"], run.tasks["report"]) == ("success", "failed")
    assert sorted(state for task, state in run.tasks.items() if task.startswith("run")) == ["failed", "success"]
    for cut in CUTS:
        made = studio.pictures("tiny-torn", cut)
        assert len(made) == PICTURES - len(lost), cut
        assert not made & lost, cut

    report = run.report
    assert (report["done"], report["refused"] + report["failed"], report["todo"]) == (PICTURES - 3, 3, 0)
    assert {entry["item"] for entry in report["not_done"]} == lost
    assert all("t2_neckline_front_0001.png" in entry["reason"] for entry in report["not_done"])
    assert "1 of 2 jobs failed" in report["problems"][0]
    assert "front" in report["problems"][0]
    log = capfd.readouterr()
    said = log.out + log.err
    assert "t2_neckline_front_0001.png cannot be decoded" in said
    assert "3 pictures, such as " in said
    assert "Task failed with exception" not in said
    assert 'task_runner.py", line' not in said
    assert "VIPS: " not in said
    assert "file:///" not in said, "a place is a path as a person would type it"

    # the render is delivered again: only what is missing is made
    studio.draw("tiny-torn", ["t2_neckline_front"], [1])
    again = run_dag(DAG_ID, {"style": "tiny-torn"})
    assert again.state == "success"
    assert (again.report["done"], again.report["skipped"]) == (3, PICTURES - 3)


def test_the_alert_of_a_failed_run_says_what_its_report_says(dagbag: Any, studio: Studio) -> None:
    from types import SimpleNamespace

    from darkroom.alerting.message import Message
    from darkroom_airflow.alerts import RunAlert

    torn = studio.render("tiny-torn", "base_neckline_back_0000.png")
    torn.write_bytes(torn.read_bytes()[:-60])
    run = run_dag(DAG_ID, {"style": "tiny-torn", "mode": "all", "colours": "0", "sides": ["back"]})
    sent: list[Message] = []

    class Alert(RunAlert):
        def send(self, message: Message, *others: Any) -> None:
            sent.append(message)

    def alert(pull: Any) -> str:
        ti = SimpleNamespace(xcom_pull=pull)
        Alert()({"dag": dagbag.dags[DAG_ID], "run_id": run.run_id, "reason": "task_failure", "ti": ti})
        message = sent.pop()
        assert message.subject.startswith(f"{DAG_ID}: ")
        assert f"The run {run.run_id} failed: a task failed." in message.lines
        return message.text

    text = alert(lambda task_ids, key: run.xcoms.get((task_ids, key)))
    assert "base_neckline_back_0000.png" in text
    assert f"The report: {run.xcoms['report', 'report_uri'].removeprefix('file://')}" in text

    def unreachable(**asked: str) -> None:
        raise RuntimeError("nobody answers")

    assert "no plan yet" in alert(unreachable)
    for task in ("collect", "plan"):
        said = {(task, "problems"): ["the length is unknown."]}
        assert "- the length is unknown." in alert(lambda task_ids, key, said=said: said.get((task_ids, key)))
    assert "There is no report" in alert(lambda task_ids, key: {"plan_uri": f"file://{studio.store}/none"}.get(key))
