"""The alerts of a run: that it failed, once; that all is fine again; that it is late; that an approval waits.

What they say is `darkroom.alerting.message`, where they go `alert_channels`. Nothing here ever fails: an alert with
less in it is better than none, and a run is what it is whether or not somebody could be told.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from airflow.providers.common.compat.sdk import conf
from airflow.sdk import BaseNotifier

from darkroom_airflow.alert_channels import SECONDS, begun, send
from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.pages import RUN_TAB
from darkroom_airflow.xcoms import APPROVE, COLLECT, NOT_DONE, PLAN, PLAN_URI, PROBLEMS

if TYPE_CHECKING:
    from darkroom.alerting.message import Earlier, Message, Ran
    from darkroom.alerting.silences import Silence
    from darkroom.alerting.unmended import Asked
    from darkroom.approvals import Asked as Question
    from darkroom.jobs import Report
    from darkroom.store import Store

_READ = 10.0
"""Seconds in which the studio's store has to answer, twice at most; an alert of its being down must not wait for it."""
_WHILE_ASKED = 10.0
"""Seconds for the channels where a person can answer meanwhile: Airflow takes no answer before the task is parked."""
_REASONS = {
    "task_failure": "a task failed",
    "all_tasks_deadlocked": "no task could run any more",
    "timed_out": "it took longer than the DAG allows",
}
_NO_PLAN = "There is no plan yet, and so no report; the logs of the tasks say more."
_BACKFILL, _BY_HAND = "backfill", "manual"


class _Alert(BaseNotifier):
    """What all alerts share: how they are sent, and what they read."""

    def send(self, message: "Message", silences: "Sequence[Silence]" = (), seconds: float = SECONDS) -> None:
        """Deliver one alert: into the log, and to the deployment's channels unless one of all `silences` is of it."""
        from darkroom.alerting.message import Kind
        from darkroom.alerting.silences import silencing
        from darkroom.settings import settings

        say = {Kind.FINE: self.log.info, Kind.APPROVAL: self.log.warning}.get(message.kinds[-1], self.log.error)
        say("%s\n%s", message.subject, message.text)
        of_it = silencing(message, silences)
        for one in of_it:
            self.log.warning("This alert is not sent: it is %s", one.sentence)
        channels = () if of_it else settings().alert_channels
        if not channels:
            return
        failed = send(message, channels, seconds)
        for channel in channels:
            if channel in failed:
                self.log.error("The alert did not reach %s: %s", channel, failed[channel])
            else:
                self.log.info("The alert was sent to %s.", channel)

    def _read(self, **works: Callable[[], Any]) -> dict[str, Any]:
        """What each of some works in the store gives, by name, as far as it comes in time.

        What fails is a line in the log, and keeps no other one back.
        """
        found: dict[str, Any] = {}

        def all_of_them() -> None:
            for name, work in works.items():
                try:
                    found[name] = work()
                except Exception as error:  # noqa: BLE001 see the module's docstring
                    self.log.warning("For the alert, the %s cannot be read: %s", name, error)

        try:
            begun(all_of_them)(_READ)
        except TimeoutError:
            self.log.warning("The studio's store did not answer within %.0f s; the alert does without.", _READ)
        return dict(found)

    def _pull(self, context: Any, task: str, key: str) -> Any:
        """One of a task's XComs; nothing where there is none, or nobody to ask."""
        ti = context.get("ti")
        try:
            return ti.xcom_pull(task_ids=task, key=key) if ti else None
        except Exception as error:  # noqa: BLE001 see the module's docstring
            self.log.warning("The XCom %r of %s cannot be read here: %r", key, task, error)
            return None


class RunAlert(_Alert):
    """Says once a run that it failed, why, and where the report lies; and, of a DAG with a deadline, that it is late.

    A hash that is not the one that it must be makes an alert of its own kind of it, with both: it may mean that what
    was safe yesterday is not today.

    Goes on every DAG as `on_failure_callback`, where it runs in the DAG processor, and on deadlines, where it runs in
    the triggerer; it writes to those logs.
    """

    def notify(self, context: Any) -> None:
        """Build the message and send it."""
        from darkroom.alerting.message import run_failed
        from darkroom.store import readable

        code = str(context.get("reason", "unknown"))
        uri, problems = self._pull(context, PLAN, PLAN_URI), ()
        if not uri:
            problems = self._pull(context, COLLECT, PROBLEMS) or self._pull(context, PLAN, PROBLEMS) or ()
        works: dict[str, Callable[[], Any]] = {"silences": _silences}
        if uri:
            works["report"] = partial(_report, uri)
        if not (problems and _run_type(context) == _BY_HAND):  # a mistyped form is nothing that has to become fine
            works["failures"] = partial(_note, context)
        found = self._read(**works)
        report = found.get("report")
        none = f"There is no report in {readable(uri)}." if uri else NOT_DONE if problems else _NO_PLAN
        ran = _ran(context["dag"].dag_id, context["run_id"], uri if report else "")
        reason, earlier = _REASONS.get(code, code), found.get("failures")
        said = [] if report else [none]
        message = run_failed(ran, reason, report, problems=problems, said=said, earlier=earlier)
        self.send(message, found.get("silences", ()))

    async def async_notify(self, context: Any) -> None:
        """Build the message of a missed deadline and send it. Airflow gives the run as its API does."""
        from darkroom.alerting.message import not_in_time

        run, deadline = context.get("dag_run", {}), context.get("deadline", {})
        ran = _ran(str(run.get("dag_id")), str(run.get("dag_run_id")))
        when = (str(run.get("state")), str(run.get("queued_at")), str(run.get("start_date") or ""))
        message = not_in_time(ran, str(deadline.get("deadline_time")), *when)
        found = await asyncio.to_thread(self._read, silences=_silences)
        await asyncio.to_thread(self.send, message, found.get("silences", ()))


class FineAgain(_Alert):
    """Says after a failure that all is fine again: once a run has done what the failed one was asked to.

    Goes on every DAG as `on_success_callback`. Also says where a run has ended well only because nobody answered it.
    """

    def notify(self, context: Any) -> None:
        """Look whether the run mends anything, and say so."""
        from darkroom.alerting.message import fine_again, nobody_answered

        uri = self._pull(context, PLAN, PLAN_URI)
        report = self._read(report=partial(_report, uri)).get("report") if uri else None
        if not report:
            return
        ran = _ran(context["dag"].dag_id, context["run_id"], uri)
        if report.held:
            found = self._read(answer=partial(_unanswered, uri), silences=_silences)
            if why := found.get("answer"):
                self.send(nobody_answered(ran, report, why), found.get("silences", ()))
            return
        found = self._read(failures=partial(_mend, context), silences=_silences)
        if mended := found.get("failures"):
            runs = [one.asked.run_id for one in mended]
            self.send(fine_again(ran, report, runs, mended[0].when), found.get("silences", ()))


class ApprovalWaits(_Alert):
    """Says that a person's answer is waited for; `approve` itself sends it."""

    def waits(self, context: Any, question: "Question", hours: int, against: Sequence[str] = ()) -> None:
        """Say what is asked; `against` is why a yes has not counted."""
        from darkroom.alerting.message import approval_waits

        ti = context["ti"]
        try:
            ran = _ran(ti.dag_id, ti.run_id, task=APPROVE)
            silences = self._read(silences=_silences).get("silences", ())
            self.send(approval_waits(ran, question, hours, against=against), silences, _WHILE_ASKED)
        except Exception:
            self.log.exception("Nobody could be told that an answer is waited for.")


def _ran(dag_id: str, run_id: str, plan: str = "", *, task: str = "") -> "Ran":
    """A run, with the addresses of its tab in the UI (or of one of its tasks' questions) and of its report."""
    from darkroom import keys
    from darkroom.alerting.message import Ran
    from darkroom.store import readable

    base = conf.get("api", "base_url", fallback="").rstrip("/")
    page = f"{base}/dags/{quote(dag_id, safe='')}/runs/{quote(run_id, safe='')}" if base else ""
    tab = f"/tasks/{task}/required_actions" if task else f"/plugin/{RUN_TAB}"
    report = readable(f"{plan.rstrip('/')}/{keys.REPORT_HTML}") if plan else ""
    return Ran(dag_id=dag_id, run_id=run_id, page=f"{page}{tab}" if page else "", report=report)


def _run_type(context: Any) -> str:
    return str(getattr(context.get("dag_run"), "run_type", "") or "")


def _asked(context: Any) -> "Asked":
    """What a run was asked to do; of a run whose context has no Params: everything."""
    from darkroom.alerting.unmended import Asked, narrowed

    dag, params = context["dag"], dict(context.get("params") or {})
    defaults = {name: dag.params.get_param(name).value for name in dag.params}
    by = getattr(dag.get_task(PLAN), "partition", "") if PLAN in dag.task_ids else ""
    if by and (key := getattr(context.get("dag_run"), "partition_key", None)):
        params[by] = key
    is_backfill = _run_type(context) == _BACKFILL
    return Asked(run_id=context["run_id"], narrowed=narrowed(params, defaults), backfill=is_backfill)


def _note(context: Any) -> "Earlier | None":
    from darkroom.alerting.message import Earlier
    from darkroom.alerting.unmended import note

    with StoreAccess() as stores:
        before = note(_studio(stores), context["dag"].dag_id, _asked(context), datetime.now(UTC))
    return Earlier(count=len(before), since=before[0].when) if before else None


def _mend(context: Any) -> Any:
    from darkroom.alerting.unmended import mend

    with StoreAccess() as stores:
        return mend(_studio(stores), context["dag"].dag_id, _asked(context))


def _silences() -> "tuple[Silence, ...]":
    from darkroom.alerting.silences import every

    with StoreAccess() as stores:
        return every(_studio(stores))


def _report(uri: str) -> "Report | None":
    from darkroom.plan_folder import PlanFolder

    with StoreAccess() as stores:
        return PlanFolder.at(uri, stores.reach(uri)).report()


def _unanswered(uri: str) -> str:
    """Why nobody has answered a plan's question; empty where somebody has."""
    from darkroom.approvals import approval
    from darkroom.plan_folder import PlanFolder

    with StoreAccess() as stores:
        given = approval(PlanFolder.at(uri, stores.reach(uri)))
    return given.why or "nobody answered" if given and not given.by else ""


def _studio(stores: StoreAccess) -> "Store":
    from darkroom.settings import settings
    from darkroom.store import open_store

    location = settings().studio_store
    return open_store(location, stores.reach(location))
