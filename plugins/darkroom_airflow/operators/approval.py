"""`approve`: a person's yes to what a plan asks for, before its jobs run."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import conf
from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import Context
from airflow.sdk.exceptions import TaskAwaitingInput

from darkroom_airflow.alerts import ApprovalWaits
from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.refusals import refusals_are_final
from darkroom_airflow.xcoms import PLAN, PLAN_URI, bullets

if TYPE_CHECKING:
    from darkroom.approvals import Approval, Asked
    from darkroom.plan_folder import PlanFolder

_WAITS = timedelta(hours=24)
_HOURS = _WAITS // timedelta(hours=1)
_NOBODY = f"nobody answered within {_HOURS} hours"
_STALE = (
    "Airflow still shows the question of an earlier plan of this run, which another list belongs to; trigger a new run "
    "to be asked about this one"
)
_NO = "the run leaves all of this as it is, does everything else, and its report says so."
_MOST_AGAINST = 20
_ASKED = "asked_about"
"""In what Airflow keeps of the task from try to try: the plan whose question it has."""
_PLAN_ID = re.compile(r"\b\d{8}T\d{6}-[0-9a-f]{6}\b")
PAGES = "/darkroom"
"""Where Darkroom's own pages are, below the UI's address."""

_MARKS = re.compile(r"[\\`*_\[\]<>|~&#!]")
_LIST_MARK = re.compile(r"(\d*)([-+=.)])")  # at a line's beginning


class PlanApproval(ApprovalOperator):
    """Asks a person where the plan wants that, waits up to a day, and writes the answer beside the plan.

    A plan that asks nothing goes on at once. A rejection, or no answer in time, fails and skips nothing: `run` does the
    rest, and leaves what was asked for. What was answered once is not asked again: a new question needs a new run. A
    yes that something stands against (`flows.Asking`), such as a flag, does not count: the person is asked again.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(subject="", body="", defaults=[self.REJECT], response_timeout=_WAITS, **kwargs)

    def execute(self, context: Context) -> None:
        """Look whether the plan asks for something; then wait, which holds no worker."""
        from darkroom import approvals
        from darkroom.jobs import Mode

        with refusals_are_final(), StoreAccess() as stores:
            folder = self._plan(context, stores)
            question = approvals.asked(folder) if folder else None
            if folder is None or question is None or folder.manifest().mode is Mode.PLAN:
                self.log.info("The plan asks for nothing.")
                return
            if given := approvals.approval(folder):
                self._say(given)
                return
            if context["task_state_store"].get(_ASKED) == folder.uri:
                self.log.info("An earlier try has asked; what was answered meanwhile counts.")
                _let_others_work(folder)
                self._wait()
            base = conf.get("api", "base_url", fallback="").rstrip("/")
            page = f"{base}{question.page}" if question.page else ""
            self.subject = _shown(question.subject)
            self.body = body_of(question, against=_against(folder), page=page, sheet=self._sheet(folder, base))
            if not self._is_shown(context):
                self._answer(folder, approved=False, by="", when=datetime.now(UTC), why=_STALE)
                return
            _let_others_work(folder)
        self.log.info("A person is asked, in the tab Required Actions:\n%s", self.body)
        ApprovalWaits().waits(context, question, _HOURS)
        context["task_state_store"].set(_ASKED, folder.uri)
        self._wait()

    def execute_complete(self, context: Context, event: dict[str, Any]) -> None:
        """Write the answer down. Past ApprovalOperator's own, which would skip the tasks after a rejection."""
        from darkroom import approvals

        given = HITLOperator.execute_complete(self, context, event)
        user = given["responded_by_user"]
        approves = given["chosen_options"] == [self.APPROVE]
        by = (user["name"] or user["id"]) if user else ""
        with refusals_are_final(), StoreAccess() as stores:
            folder = self._plan(context, stores)
            if folder is None:
                return
            against = _against(folder) if approves else []
            said = approvals.verdict(approves=approves, against=bool(against))
            if said is not approvals.Verdict.AGAIN:
                when, why = given["responded_at"].astimezone(UTC), "" if user else _NOBODY
                self._answer(folder, approved=said is approvals.Verdict.APPROVED, by=by, when=when, why=why)
                return
            question = approvals.asked(folder)
        self.log.warning("%s approved it, which does not count yet, for this speaks against it:", by or "Somebody")
        self.log.warning("%s\nIt is asked again: clear that first, or reject.", bullets(against))
        self._put(context)  # which takes the answer back
        if question:
            ApprovalWaits().waits(context, question, _HOURS, against)
        self._wait()  # for as long as at first

    def _plan(self, context: Context, stores: StoreAccess) -> "PlanFolder | None":
        uri = context["ti"].xcom_pull(task_ids=PLAN, key=PLAN_URI)
        return stores.reach_plan(uri) if uri else None

    def _sheet(self, folder: "PlanFolder", base: str) -> str:
        """The address of the plan's contact sheet, drawn for it; empty where there is none, or it cannot be drawn."""
        from darkroom import flows
        from darkroom.errors import StoreError

        manifest = folder.manifest()
        asking = flows.get(manifest.flow).asking
        try:
            shows = asking.illustrate(folder, manifest) if asking else ""
        except StoreError as error:  # who is asked can look at the fitting room, too
            self.log.warning("There is no contact sheet: %s", error)
            return ""
        return f"{base}{sheet_path(folder.uri, shows)}" if shows else ""

    def _is_shown(self, context: Context) -> bool:
        """Is this the question that people would see?

        A task that is cleared keeps the question of its last try in Airflow's database (apache/airflow#73235), and
        nobody shall approve one list by looking at another. Where all else is the same, another plan's contact sheet
        shows the same pictures: it is named by what it shows.
        """
        stands = self._put(context)
        shown, ours = (_PLAN_ID.sub("", body or "") for body in (stands.body, self.body))
        return bool((stands.subject, shown) == (self.subject, ours))

    def _put(self, context: Context) -> Any:
        """Give Airflow the question, without the answer that there may be to it; returns the one that it has.

        Once for each time of asking: people see it from now on, and an answer that comes before this task waits counts.
        """
        from airflow.sdk.execution_time.comms import CreateHITLDetailPayload
        from airflow.sdk.execution_time.task_runner import SUPERVISOR_COMMS

        question = CreateHITLDetailPayload(
            ti_id=context["ti"].id,
            options=self.options,
            subject=self.subject,
            body=self.body,
            defaults=self.defaults,
            params=self.serialized_params,
            assigned_users=[],
        )
        return SUPERVISOR_COMMS.send(question)

    def _wait(self) -> NoReturn:
        """Wait for the answer, which `execute_complete` gets: at once, where it is there already.

        Past HITLOperator's own way, which would give Airflow the question again, and so lose such an answer.
        """
        raise TaskAwaitingInput(method_name="execute_complete", timeout=self.response_timeout)

    def _answer(self, folder: "PlanFolder", **fields: Any) -> None:
        from darkroom.approvals import Approval, answer, approval

        given = Approval(**fields)
        answer(folder, given)
        self._say(approval(folder) or given)

    def _say(self, given: "Approval") -> None:
        by = f" by {given.by}" if given.by else ""
        why = f": {given.why}" if given.why else ""
        if given.approved:
            self.log.info("Approved%s%s.", by, why)
        else:
            self.log.warning("Rejected%s%s. The rest is done; what was asked for is left as it is.", by, why)


def body_of(question: "Asked", *, against: Sequence[str] = (), page: str = "", sheet: str = "") -> str:
    """What a person reads before they answer, as Markdown.

    `against` is what a yes cannot stand against now; `page` and `sheet` are addresses, where there is anything.
    """
    more = question.count - len(question.lines)
    lines = [_plain(line) for line in question.lines] + ([f"... and {more:,} more"] if more > 0 else [])
    parts = [_plain(question.subject), *(_plain(fact) for fact in question.facts)]
    if against:
        parts += ["**Approve does not count while this stands; it is asked again then:**", _list_of(against)]
    if page:
        parts.append(f"[Look at it in the fitting room]({page})")
    if sheet:  # the UI shows a picture 300 pixels wide at most, hence the link around it
        parts.append(f"[![Contact sheet]({sheet})]({sheet})\n\n[The contact sheet in full size]({sheet})")
    if question.listed:
        parts += [f"{_plain(question.listed)}: {question.count:,}.", bullets(lines)]
    else:
        parts += [bullets(lines), f"In all: {question.count:,}."]
    parts += [
        f"**Approve**: {_plain(question.yes) or 'the run does this as well.'}",
        f"**Reject**: {_plain(question.no) or _NO} Without an answer within {_HOURS} hours it goes on as if rejected.",
    ]
    return "\n\n".join(part for part in parts if part)


def _list_of(sentences: Sequence[str]) -> str:
    more = [f"... and {len(sentences) - _MOST_AGAINST:,} more"] if len(sentences) > _MOST_AGAINST else []
    return bullets([*(_plain(one) for one in sentences[:_MOST_AGAINST]), *more])


def _against(folder: "PlanFolder") -> list[str]:
    """What a yes to a plan cannot stand against now, a sentence each."""
    from darkroom import flows

    manifest = folder.manifest()
    asking = flows.get(manifest.flow).asking
    return list(asking.against(folder, manifest)) if asking else []


def _let_others_work(folder: "PlanFolder") -> None:
    """Give the run's leases back while it waits for a person; its jobs take them again."""
    from darkroom import leases

    manifest = folder.manifest()
    leases.free(folder.open(manifest.store), manifest.flow, manifest.subjects, leases.Holder(manifest.run))


def sheet_path(plan: str, shows: str) -> str:
    """The address below the UI's own of a plan's contact sheet, by the plan's URI; `shows` is a digest of it.

    >>> sheet_path("s3://studio/work/combination_compositing/manual__1/20261128T020000-0a1b2c", "e3b0c44298fc1c14")
    '/darkroom/plans/combination_compositing/manual__1/20261128T020000-0a1b2c/contact-sheet.jpg?shows=e3b0c44298fc'
    """
    return f"{PAGES}/plans/{'/'.join(plan.rstrip('/').split('/')[-3:])}/contact-sheet.jpg?shows={shows[:12]}"


def _plain(text: str) -> str:
    r"""A text that may hold any name, so that Markdown shows it as it is.

    >>> print(_plain("- ![x](http://a.example/b_c.png)\n"))
    \- \!\[x\](http://a.example/b\_c.png)\\n
    """
    marked = _MARKS.sub(r"\\\g<0>", _shown(text))
    begins = _LIST_MARK.match(marked)
    return f"{begins[1]}\\{marked[begins.end(1) :]}" if begins else marked


def _shown(text: str) -> str:
    """A text in a line, without what no screen or database can hold: bytes that are no UTF-8, line breaks, NUL."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)
