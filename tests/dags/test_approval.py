"""`approve`: what a plan asks a person, how it waits, and what an answer means for the run."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, Context, TriggerRule

from darkroom import keys
from darkroom.approvals import Approval, Asked, answer, approval
from darkroom.jobs import Manifest, Mode, dump
from darkroom.plan_folder import PlanFolder
from darkroom.store import open_store
from darkroom_airflow.operators import PlanApproval, ReportOperator
from darkroom_airflow.operators.approval import body_of
from darkroom_airflow.xcoms import PLAN_URI
from tests.dags.person import APPROVE, REJECT, answer_early, somebody

DAG_ID = "asks"
QUESTION = Asked(subject="shops: 212 of 1,000 objects would be removed", lines=("a.jpg", "b.jpg"), count=212)
NOW = datetime(2026, 11, 28, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("dagbag")


def new_plan(root: Path, question: Asked | None = QUESTION, mode: Mode = Mode.CHANGED) -> PlanFolder:
    """A plan's folder, as `plan` leaves it."""
    store = open_store(str(root))
    folder = PlanFolder(store, f"work/{len(list(root.glob('work/*')))}/")
    manifest = Manifest(
        flow="sync",
        noun="file",
        uri=folder.uri,
        store=store.uri,
        output_store=store.uri,
        mode=mode,
        created=NOW,
        run="",
        subjects=(),
        title="",
        request={},
        planned=0,
        skipped=0,
        todo=0,
    )
    if question:
        folder.write(keys.ASKED, dump(question))
    folder.write(keys.MANIFEST, dump(manifest))
    return folder


class Planned(BaseOperator):
    """A `plan` that makes such folders."""

    def __init__(self, *, make: Callable[[], PlanFolder | None], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.make = make

    def execute(self, context: Context) -> None:
        folder = self.make()
        if folder is None:
            raise ValueError("no plan")
        context["ti"].xcom_push(PLAN_URI, folder.uri)


class Nothing(BaseOperator):
    """A `run`, or a `report`."""

    def execute(self, context: Context) -> None:
        pass


def asking(make: Callable[[], PlanFolder | None]) -> Any:
    """A DAG of the form of every flow, known to Airflow's database."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.serialization.definitions.dag import SerializedDAG
    from airflow.serialization.serialized_objects import DagSerialization, LazyDeserializedDAG

    with DAG(DAG_ID, default_args={"execution_timeout": timedelta(hours=2)}) as dag:
        report = Nothing(task_id="report", trigger_rule=TriggerRule.ALL_DONE)
        approve = PlanApproval(task_id="approve", retries=1, retry_delay=timedelta(0))
        Planned(task_id="plan", make=make) >> approve >> Nothing(task_id="run") >> report
    lazy = LazyDeserializedDAG(data=DagSerialization.to_dict(dag))
    DagBundlesManager().sync_bundles_to_db()
    SerializedDAG.bulk_write_to_db("dags-folder", None, [lazy])
    SerializedDagModel.write_dag(lazy, bundle_name="dags-folder")
    return dag


def states(run_id: str) -> dict[str, str]:
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.query(TaskInstance).filter_by(dag_id=DAG_ID, run_id=run_id)
        return {ti.task_id: str(ti.state) for ti in found}


def run(make: Callable[[], PlanFolder | None]) -> dict[str, str]:
    """How the tasks of one run ended."""
    return states(asking(make).test(logical_date=None).run_id)


ALL_WELL = dict.fromkeys(("plan", "approve", "run", "report"), "success")


def test_a_plan_that_asks_nothing_goes_on_at_once(tmp_path: Path) -> None:
    folder = new_plan(tmp_path, None)
    with somebody(DAG_ID, APPROVE) as seen:
        assert run(lambda: folder) == ALL_WELL
    assert seen.asked == 0
    assert approval(folder) is None


def test_an_approval_is_written_beside_the_plan_with_who_gave_it(tmp_path: Path) -> None:
    folder = new_plan(tmp_path)
    with somebody(DAG_ID, APPROVE) as seen:
        assert run(lambda: folder) == ALL_WELL
    assert seen.asked == 1
    given = approval(folder)
    assert given is not None
    assert (given.approved, given.by, given.why) == (True, "Ann", "")
    assert datetime.now(UTC) - given.when < timedelta(minutes=5)


def test_a_rejection_fails_no_task_and_skips_none(tmp_path: Path) -> None:
    folder = new_plan(tmp_path)
    with somebody(DAG_ID, REJECT):
        assert run(lambda: folder) == ALL_WELL
    given = approval(folder)
    assert given is not None
    assert (given.approved, given.by, given.why) == (False, "Ann", "")


def test_no_answer_within_a_day_is_a_rejection_by_nobody(tmp_path: Path) -> None:
    folder = new_plan(tmp_path)
    with somebody(DAG_ID, ""):
        assert run(lambda: folder) == ALL_WELL
    given = approval(folder)
    assert given is not None
    assert (given.approved, given.by, given.why) == (False, "", "nobody answered within 24 hours")


def test_a_run_without_a_plan_asks_nobody(tmp_path: Path) -> None:
    ended = run(lambda: None)
    assert (ended["plan"], ended["approve"], ended["run"]) == ("failed", "upstream_failed", "upstream_failed")


def test_a_plan_that_is_only_to_be_looked_at_asks_nobody(tmp_path: Path) -> None:
    folder = new_plan(tmp_path, mode=Mode.PLAN)
    assert run(lambda: folder) == ALL_WELL
    assert approval(folder) is None


def test_a_person_sees_the_list_how_many_there_are_and_what_the_answers_do(tmp_path: Path) -> None:
    folder = new_plan(tmp_path)
    with somebody(DAG_ID, REJECT) as seen:
        run(lambda: folder)
    assert seen.subject == QUESTION.subject
    assert seen.options == [APPROVE, REJECT]
    assert seen.body.startswith(QUESTION.subject)
    assert "- a.jpg\n- b.jpg\n- ... and 210 more\n" in seen.body
    assert "In all: 212." in seen.body
    for word in ("**Approve**", "**Reject**", "within 24 hours"):
        assert word in seen.body


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a_b*.jpg", r"a\_b\*.jpg"),
        ("![x](http://a.example/b.png)", r"\!\[x\](http://a.example/b.png)"),
        ("<img src=x>", r"\<img src=x\>"),
        ("1. one", r"1\. one"),
        ("--- x", r"\--- x"),
        ("a\n\n**Approve**", r"a\\n\\n\*\*Approve\*\*"),
        ("caf\udce9\0.jpg", r"caf\\udce9\\x00.jpg"),
        ("\u202egpj.exe", r"\\u202egpj.exe"),
        ("{{ ti.x }} Straße.jpg", "{{ ti.x }} Straße.jpg"),
    ],
)
def test_no_files_name_can_be_more_than_a_name_in_the_list(name: str, shown: str) -> None:
    body = body_of(Asked(subject="Remove it?", lines=(name,), count=1))
    assert f"\n\n- {shown}\n\nIn all: 1." in body
    body.encode()


def test_an_answered_plan_is_not_asked_about_again(tmp_path: Path) -> None:
    folder = new_plan(tmp_path)
    given = Approval(approved=True, by="Ann", when=NOW)
    answer(folder, given)
    assert run(lambda: folder) == ALL_WELL
    assert approval(folder) == given


def clear(run_id: str, *tasks: str) -> None:
    from airflow.models.taskinstance import TaskInstance, clear_task_instances
    from airflow.utils.session import create_session

    with create_session() as session:
        found = session.query(TaskInstance).filter_by(dag_id=DAG_ID, run_id=run_id)
        clear_task_instances([ti for ti in found if ti.task_id in tasks], session)


@pytest.mark.parametrize("same", [True, False])
def test_nobody_can_approve_the_list_of_an_earlier_plan_of_a_cleared_run(tmp_path: Path, same: bool) -> None:
    """Airflow goes on showing the first question (apache/airflow#73235); where that is the same, it is asked anew."""
    first = new_plan(tmp_path)
    second = new_plan(tmp_path, QUESTION if same else QUESTION.model_copy(update={"lines": ("c.jpg", "d.jpg")}))
    plans = iter([first, second])
    dag = asking(lambda: next(plans))
    with somebody(DAG_ID, REJECT):
        run_id = dag.test(logical_date=None).run_id
    clear(run_id, "plan", "approve", "run", "report")
    with somebody(DAG_ID, APPROVE) as seen:
        again(dag, run_id)
    assert states(run_id) == ALL_WELL
    given = approval(second)
    assert given is not None
    assert (seen.asked, given.approved) == ((1, True) if same else (0, False))
    assert given.by == ("Ann" if same else "")
    assert ("an earlier plan of this run" in given.why) is not same


def again(dag: Any, run_id: str) -> None:
    """What `dag.test` does, with a run that is there, which it would delete."""
    from airflow.models.dagrun import DagRun
    from airflow.sdk.definitions.dag import _run_task
    from airflow.serialization.serialized_objects import DagSerialization
    from airflow.utils.session import create_session

    with create_session() as session:
        there = session.query(DagRun).filter_by(dag_id=DAG_ID, run_id=run_id).one()
        there.dag = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
        there.state = "running"
        while there.state == "running":
            for ti in there.update_state(session=session)[0]:
                ti.try_number += 1
                ti.state = "scheduled"
            session.commit()
            for ti in there.get_task_instances(session=session):
                if ti.state == "scheduled":
                    _run_task(ti=ti, task=dag.task_dict[ti.task_id])
            time.sleep(0.1)
            session.expire_all()


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ({"approve": "failed", "run": "upstream_failed"}, ["approve: failed; its log says why."]),
        ({"approve": "success", "run": "success"}, []),
        ({"run": "failed"}, ["run: failed; its log says why."]),
    ],
)
def test_the_report_says_that_approve_failed_and_not_that_run_did(ended: Mapping[str, str], said: list[str]) -> None:
    states = {"plan": "success", "settle": "success", **ended}
    ti = SimpleNamespace(
        dag_id=DAG_ID,
        run_id="by hand",
        xcom_pull=lambda task_ids: [],
        get_task_states=lambda dag_id, run_ids, task_ids: {"by hand": {k: states[k] for k in task_ids if k in states}},
    )
    assert ReportOperator(task_id="report")._problems(ti) == said


@pytest.fixture
def spoken_against(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What speaks against a yes to the plans here, until it is cleared."""
    from darkroom import flows
    from darkroom.sync.flow import FLOW

    flags = ["a1-knee-front-0000: the <b>pocket</b> floats (Ann, 2026-11-28 03:00 UTC)"]
    asking = flows.Asking(against=lambda *_: list(flags), illustrate=lambda *_: "0a1b2c" * 5)
    asks = replace(FLOW, asking=asking)
    monkeypatch.setattr(flows, "get", lambda name: asks)
    return flags


def test_a_yes_does_not_count_while_a_flag_stands_and_is_asked_for_again(
    tmp_path: Path, spoken_against: list[str]
) -> None:
    folder = new_plan(tmp_path)

    def cleared_later() -> None:
        while seen.asked < 2:
            assert approval(folder) is None
            time.sleep(0.05)
        spoken_against.clear()

    with somebody(DAG_ID, APPROVE) as seen, ThreadPoolExecutor(1) as pool:
        clearing = pool.submit(cleared_later)
        assert run(lambda: folder) == ALL_WELL
        clearing.result()
    assert seen.asked >= 2
    assert r"the \<b\>pocket\</b\> floats" in seen.body
    assert "Approve does not count while this stands" in seen.body
    given = approval(folder)
    assert given is not None
    assert (given.approved, given.by) == (True, "Ann")


def test_a_no_counts_whatever_stands(tmp_path: Path, spoken_against: list[str]) -> None:
    folder = new_plan(tmp_path)
    with somebody(DAG_ID, REJECT) as seen:
        assert run(lambda: folder) == ALL_WELL
    given = approval(folder)
    assert (seen.asked, given is not None and given.approved) == (1, False)


def test_the_question_shows_the_sheet_of_the_plan_and_leads_to_where_more_is_to_be_seen(
    tmp_path: Path, spoken_against: list[str]
) -> None:
    page = "/darkroom/fitting-room/?style=dress"
    folder = new_plan(
        tmp_path, QUESTION.model_copy(update={"page": page, "facts": ("2 to make",), "listed": "Findings"})
    )
    with somebody(DAG_ID, REJECT) as seen:
        run(lambda: folder)
    assert f"]({page})" in seen.body.replace("http://localhost:8080", "")
    assert seen.body.count("/contact-sheet.jpg?shows=0a1b2c0a1b2c)") == 3, "as a picture, and in full size"
    assert seen.body.index("2 to make") < seen.body.index("Contact sheet") < seen.body.index("Findings: 212.")


def test_while_it_waits_another_run_may_plan(tmp_path: Path) -> None:
    from darkroom import leases

    folder = new_plan(tmp_path)
    manifest = folder.manifest().model_copy(update={"subjects": ("dress",), "run": "asks, run 1"})
    folder.write(keys.MANIFEST, dump(manifest))
    leases.take(folder.open(manifest.store), "sync", ["dress"], leases.Holder("asks, run 1"))
    with somebody(DAG_ID, REJECT):
        run(lambda: folder)
    leases.check(folder.open(manifest.store), "sync", ["dress"], leases.Holder("another"))


def test_a_try_after_a_lost_one_takes_the_answer_that_was_given_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where somebody answers within a second: the scheduler then takes the task for lost, and starts it again."""
    folder = new_plan(tmp_path)
    complete, lost = PlanApproval.execute_complete, []

    def lost_once(self: PlanApproval, context: Context, event: dict[str, Any]) -> None:
        if not lost:
            lost.append(event)
            raise RuntimeError("lost")
        complete(self, context, event)

    monkeypatch.setattr(PlanApproval, "execute_complete", lost_once)
    with somebody(DAG_ID, APPROVE) as seen:
        assert run(lambda: folder) == ALL_WELL
    given = approval(folder)
    assert (seen.asked, bool(lost), given is not None and given.approved) == (1, True, True)


def test_an_answer_that_comes_before_the_task_waits_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question is to be seen from the moment on at which Airflow has it; telling people of it takes seconds."""
    from darkroom_airflow.alerts import ApprovalWaits

    folder = new_plan(tmp_path)
    monkeypatch.setattr(ApprovalWaits, "waits", lambda *_: answer_early(DAG_ID, APPROVE))
    with somebody(DAG_ID, REJECT) as seen:
        assert run(lambda: folder) == ALL_WELL
    given = approval(folder)
    assert (seen.asked, given is not None and given.approved) == (0, True)
