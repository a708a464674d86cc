"""Every DAG imports, and keeps the rules that all DAGs share."""

from datetime import datetime, timedelta
from typing import Any

import pytest

EXPECTED = {"combination_compositing", "gcs_archive_sync", "local_s3_sync", "nightly_pyramids", "render_ingest"}


@pytest.fixture(params=sorted(EXPECTED))
def dag(request: pytest.FixtureRequest, dagbag: Any) -> Any:
    return dagbag.dags[request.param]


def test_every_dag_file_imports(dagbag: Any) -> None:
    assert dagbag.import_errors == {}
    assert set(dagbag.dags) == EXPECTED


def test_every_dag_survives_its_way_to_the_scheduler(dag: Any) -> None:
    from airflow.serialization.serialized_objects import DagSerialization

    again = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
    assert sorted(again.task_ids) == sorted(dag.task_ids)


def test_every_flow_is_plan_run_settle_report_and_the_report_is_the_only_leaf(dag: Any) -> None:
    edges = {(task.task_id, below) for task in dag.tasks for below in task.downstream_task_ids}
    assert {("plan", "run"), ("run", "settle"), ("settle", "report")} <= edges
    assert [leaf.task_id for leaf in dag.leaves] == ["report"]


def test_every_dag_has_a_page_that_says_what_to_do_when_it_fails(dag: Any) -> None:
    assert dag.doc_md is not None
    for heading in ("## Parameters", "## When it fails", "## How to resume"):
        assert heading in dag.doc_md
    assert dag.description
    assert dag.dag_display_name != dag.dag_id


def test_every_param_of_the_form_is_on_the_page_or_explains_itself(dag: Any) -> None:
    for name in dag.params:
        schema = dag.params.get_param(name).schema
        assert schema.get("title"), name
        assert schema.get("description_md"), name
        assert schema.get("type"), name


def test_every_dag_has_owner_tags_one_alert_and_an_end(dag: Any) -> None:
    from darkroom_airflow.alerts import FineAgain, RunAlert

    assert dag.tags > {"darkroom"}
    assert isinstance(dag.on_failure_callback, RunAlert)
    assert isinstance(dag.on_success_callback, FineAgain)
    assert not dag.catchup
    assert dag.dagrun_timeout is not None
    assert dag.max_active_runs in (1, 16)
    for task in dag.tasks:
        assert task.owner == "studio", task.task_id
        assert not task.on_failure_callback, f"{task.task_id}: one alert a run is the DAG's"


def test_every_task_is_retried_with_growing_pauses_except_the_report(dag: Any) -> None:
    for task in dag.tasks:
        assert task.execution_timeout, task.task_id
        assert task.execution_timeout <= timedelta(hours=12), task.task_id
        if task.task_id == "report":
            assert task.retries == 0
        else:
            assert task.retries >= 2, task.task_id
            assert task.retry_exponential_backoff > 1, task.task_id
            assert task.max_retry_delay is not None, task.task_id


def test_settle_and_report_come_whatever_became_of_the_tasks_before(dag: Any) -> None:
    assert dag.get_task("settle").trigger_rule == "all_done"
    assert dag.get_task("report").trigger_rule == "all_done"


def test_run_is_mapped_named_and_in_a_pool_that_is_made(dag: Any) -> None:
    from darkroom_airflow.pools import POOLS

    run = dag.get_task("run")
    assert run.is_mapped
    assert run.map_index_template
    assert run.pool in {pool.name for pool in POOLS}


def test_every_dag_that_starts_by_itself_has_a_valid_default_for_every_param(dag: Any) -> None:
    if dag.timetable.can_be_scheduled or dag.timetable.asset_condition:
        dag.params.validate()


def test_the_form_offers_the_styles_in_the_folder_and_is_valid_as_it_stands(dagbag: Any) -> None:
    params = dagbag.dags["combination_compositing"].params
    assert params.get_param("style").schema["enum"] == [None, "tiny-dress", "tiny-torn"]
    assert params.validate()["mode"] == "changed"


@pytest.mark.parametrize(("day", "utc"), [("2026-07-01", "09:30"), ("2026-12-01", "10:30")])
def test_the_night_is_by_new_yorks_clock_in_summer_and_in_winter(dagbag: Any, day: str, utc: str) -> None:
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.timetables.base import TimeRestriction

    dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dagbag.dags["nightly_pyramids"]))
    restriction = TimeRestriction(datetime.fromisoformat(f"{day}T00:00:00+00:00"), None, catchup=True)
    found = dag.timetable.next_dagrun_info(last_automated_data_interval=None, restriction=restriction)
    assert found is not None
    start, end = found.data_interval
    assert start.strftime("%H:%M") == end.strftime("%H:%M") == utc
    assert found.run_after == end


def test_a_late_night_is_alerted_at_the_hour_that_is_set(dagbag: Any) -> None:
    from airflow.serialization.decoders import decode_deadline_alert
    from airflow.serialization.encoders import encode_deadline_alert

    (deadline,) = dagbag.dags["nightly_pyramids"].deadline
    stored = encode_deadline_alert(deadline)
    # a number also in the database: what clears a run takes it for seconds as it is
    assert stored["interval"] == 3.5 * 3600
    assert decode_deadline_alert(stored).interval == timedelta(hours=3, minutes=30)
    assert deadline.callback.path == "darkroom_airflow.alerts.RunAlert"


def test_a_night_may_end_on_the_next_day() -> None:
    from darkroom_airflow.schedules import between

    assert between("22:00", "06:30") == timedelta(hours=8, minutes=30)
    assert between("05:30", "05:30") == timedelta(days=1)


CLOSED = {"sides", "cuts", "sources", "pairs"}
"""The lists in which nothing can be typed, as there is nothing else."""


def test_lists_can_be_typed_unless_there_is_nothing_else_than_what_they_offer(dag: Any) -> None:
    """Airflow's form makes a closed list of an array with `examples` or `enum`, and a field of lines of one without."""
    for name in dag.params:
        schema = dag.params.get_param(name).schema
        if "array" in schema["type"]:
            assert schema["items"]["type"] == "string", f"{name}: the form would want JSON"
            assert "enum" not in schema, name
            assert name in CLOSED or "examples" not in schema, name


def test_sources_are_offered_where_there_are_some_and_typed_where_not(monkeypatch: pytest.MonkeyPatch) -> None:
    from darkroom_airflow import forms

    monkeypatch.setattr(forms, "known_sources", lambda: ["maps", "appsync"])
    assert forms.scan_sources("Which").schema["examples"] == ["maps", "appsync"]
    monkeypatch.setattr(forms, "known_sources", list)
    assert "examples" not in forms.scan_sources("Which").schema


def test_the_mode_is_seen_when_the_form_opens(dag: Any) -> None:
    """Of the form's sections, the one of the Params without one is open; it stands where the first of these does."""
    names = list(dag.params)
    before = names[: names.index("mode") + 1]
    assert all(not dag.params.get_param(name).schema.get("section") for name in before)
    assert len(before) <= 2


def test_what_a_person_reads_survives_airflows_markdown(dag: Any) -> None:
    """A fenced block becomes one line there, and code in the form's small text is drawn over the line above it."""
    assert "```" not in dag.doc_md
    for name in dag.params:
        assert "`" not in dag.params.get_param(name).schema["description_md"], name


def test_the_list_of_dags_says_what_each_makes(dag: Any) -> None:
    """The list shows the display name only; the description appears over it, and not in the table at all."""
    name, _, makes = dag.dag_display_name.partition(": ")
    assert name
    assert len(makes.split()) >= 4


REFUSAL = "Refused: colours: 77 is beyond the last colour."


RESULT = "Result: 36 pictures: 36 done."


@pytest.mark.parametrize(
    ("standing", "problems", "result", "note"),
    [
        (None, ["colours: 77 is beyond the last colour."], "", REFUSAL),
        ("Refused: something else.", ["colours: 77 is beyond the last colour."], "", REFUSAL),
        (RESULT, ["colours: 77 is beyond the last colour."], "", REFUSAL),
        (None, ["a", "b", "c"], "", "Refused: a\n\n- b\n- c"),
        (REFUSAL, [], "", None),
        (RESULT, [], "", None),
        (None, [], "", None),
        (None, [], "36 pictures: 36 done.", RESULT),
        (REFUSAL, [], "36 pictures: 36 done.", RESULT),
        ("Result: another.", [], "36 pictures: 36 done.", RESULT),
        ("asked Ann", ["a"], "", "asked Ann"),
        ("asked Ann", [], "36 pictures: 36 done.", "asked Ann"),
    ],
)
def test_a_runs_note(standing: str | None, problems: list[str], result: str, note: str | None) -> None:
    from darkroom_airflow.notes import run_note

    assert run_note(standing, problems, result) == note


def test_a_long_refusal_fits_into_a_note() -> None:
    from darkroom_airflow.notes import run_note

    note = run_note(None, ["x" * 500] * 9)
    assert note is not None
    assert (len(note), note[-3:]) == (1000, "...")


def test_a_name_in_a_result_is_no_link_and_no_picture_in_airflows_markdown() -> None:
    from darkroom_airflow.notes import run_note

    note = run_note(None, [], "1 file: 0 done, 1 failed. ![x](https://evil.example/x.png) <b>: a (failed)")
    assert note is not None
    assert not set(note) & set("[]<>")


def test_every_flow_ends_in_the_report_that_says_its_result(dag: Any) -> None:
    from darkroom_airflow.operators.report import ReportOperator
    from darkroom_airflow.xcoms import REPORT

    (leaf,) = dag.leaves
    assert leaf.task_id == REPORT
    assert isinstance(leaf, ReportOperator)


def test_the_forms_profiles_are_the_librarys(dagbag: Any) -> None:
    from darkroom.pyramids.profiles import DEFAULT, PROFILES

    params = dagbag.dags["nightly_pyramids"].params
    assert params.get_param("profile").schema["enum"] == list(PROFILES)
    assert params["profile"] == DEFAULT


def test_the_forms_sides_and_cuts_are_the_librarys(dagbag: Any) -> None:
    from darkroom.compositing.profiles import CUTS
    from darkroom.styles.names import SIDES

    params = dagbag.dags["combination_compositing"].params
    assert params["sides"] == list(SIDES)
    assert params["cuts"] == list(CUTS)


def test_without_a_styles_folder_the_form_takes_any_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from darkroom.settings import Settings
    from darkroom.styles import style_file
    from darkroom_airflow import forms

    monkeypatch.setattr(style_file, "settings", lambda: Settings(styles_dir=tmp_path / "nowhere"))
    assert forms.style_names() == []
    assert forms.style("choose one").resolve("any-name") == "any-name"
    assert forms.style("choose one").resolve() is None


def test_the_plugin_loader_leaves_the_package_alone(dagbag: Any) -> None:
    from airflow.plugins_manager import get_plugin_info

    ignored = [plugin for plugin in get_plugin_info() if "darkroom_airflow" in str(plugin.get("source", ""))]
    assert ignored == []
    import sys

    assert "worker_process" not in sys.modules, "the loader ran a file of the package as a module of its own"
