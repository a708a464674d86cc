"""What an alert says, who has silenced it, and which failures a success mends."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from darkroom import keys
from darkroom.alerting import silences, unmended
from darkroom.alerting.message import (
    Earlier,
    Kind,
    Message,
    Ran,
    approval_waits,
    fine_again,
    nobody_answered,
    not_in_time,
    run_failed,
)
from darkroom.alerting.unmended import Asked, mends, narrowed
from darkroom.approvals import Asked as Question
from darkroom.causes import causes
from darkroom.errors import BadInput
from darkroom.jobs import Mode, NotDone, Report, State
from darkroom.settings import Settings
from darkroom.store import open_store

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
RAN = Ran(
    dag_id="gcs_archive_sync",
    run_id="scheduled__1",
    page="https://airflow.example/dags/gcs_archive_sync/runs/scheduled__1",
    report="s3://studio/work/report.html",
)
GUARD = (
    "maps: 12 objects gone from the source, and its guards let no more than 1 of 12 copies be removed: none is (a). "
    "See whether the source is whole; if so, raise the guards."
)


def failed(item: str, reason: str, kind: str = "", where: str = "") -> NotDone:
    return NotDone(item=item, state=State.FAILED, reason=reason, kind=kind, where=where)


def report(*not_done: NotDone, **fields: Any) -> Report:
    """A report of 120 objects, of which these were not mirrored."""
    said: dict[str, Any] = {
        "title": "Archive · maps",
        "flow": "archive",
        "noun": "object",
        "mode": Mode.CHANGED,
        "plan": "s3://studio/work",
        "created": NOW,
        "planned": 120,
        "done": 120 - len(not_done),
        "skipped": 0,
        "refused": 0,
        "failed": len(not_done),
        "todo": 0,
        "distinct": None,
        "outputs": 0,
        "bytes": 0,
        "seconds": 1,
        "groups": {},
        "not_done": not_done,
        "causes": causes(not_done),
        "problems": (),
        "findings": (),
        "stale": (),
        "pruned": (),
        "versions": {},
    }
    return Report(**said | fields)


# what a message says


def test_a_failed_run_says_what_how_many_why_where_and_where_to_look() -> None:
    torn = failed("maps/a.tif", "a.tif is cut short", "decode", "gs://scans/maps/a.tif")
    message = run_failed(RAN, "a task failed", report(torn, problems=("run: 1 of 2 jobs failed: maps",)))
    assert message.kinds == (Kind.ITEMS,)
    assert message.subject == "gcs_archive_sync: 1 of 120 objects not made (Archive · maps)"
    assert message.lines == (
        "The run scheduled__1 failed: a task failed.",
        "Archive · maps",
        "120 planned: 119 done, 0 skipped, 0 refused, 1 failed, 0 left.",
        "- run: 1 of 2 jobs failed: maps",
        "- a.tif is cut short: maps/a.tif (failed; gs://scans/maps/a.tif)",
        "The run: https://airflow.example/dags/gcs_archive_sync/runs/scheduled__1",
        "The report: s3://studio/work/report.html",
    )


def test_only_the_first_ten_reasons_are_named_and_a_mismatch_is_always_among_them() -> None:
    many = [failed(f"maps/{n:03}.tif", f"{n}.tif is cut short") for n in range(100)]
    wrong = failed("maps/z.tif", "it has the MD5 aa instead of bb", "mismatch")
    message = run_failed(RAN, "a task failed", report(*many, wrong))
    listed = [line for line in message.lines if line.startswith("- ")]
    assert len(listed) == 11
    assert "aa instead of bb" in listed[0]
    assert listed[-1] == "- ... and 91 more reasons"


@pytest.mark.parametrize(
    ("not_done", "fields", "kinds", "subject"),
    [
        ([failed("a", "aa instead of bb", "mismatch")], {}, (Kind.MISMATCH, Kind.ITEMS), "hashes do not match: 1"),
        ([], {"problems": (GUARD,)}, (Kind.GUARD,), "a guard stopped it"),
        ([failed("a", "torn")], {"problems": (GUARD,)}, (Kind.GUARD, Kind.ITEMS), "a guard stopped it"),
        ([failed("a", "torn")], {}, (Kind.ITEMS,), "1 of 120 objects not made"),
        ([failed("a", "torn")], {"todo": 7, "done": 112}, (Kind.ITEMS, Kind.TASK), "1 of 120 objects not made"),
        ([], {"problems": ("settle: failed; its log says why.",)}, (Kind.TASK,), "the run failed"),
        ([], {"todo": 7, "done": 113}, (Kind.TASK,), "the run failed"),
        ([], {}, (Kind.TASK,), "the run failed"),
    ],
)
def test_a_run_has_one_message_and_the_gravest_of_its_kinds_gives_the_subject(
    not_done: list[NotDone], fields: dict[str, Any], kinds: tuple[Kind, ...], subject: str
) -> None:
    message = run_failed(RAN, "a task failed", report(*not_done, **fields))
    assert message.kinds == kinds
    assert message.subject.removeprefix("gcs_archive_sync: ").startswith(subject)


def test_without_a_plan_the_message_says_why_there_is_none() -> None:
    refused = run_failed(RAN, "a task failed", problems=["pairs: 'map' is no pair."], said=["There is no plan:"])
    assert refused.kinds == (Kind.TASK,)
    assert refused.lines[1:3] == ("There is no plan:", "- pairs: 'map' is no pair.")
    assert refused.subject == "gcs_archive_sync: the run failed (run scheduled__1)"
    guarded = run_failed(RAN, "a task failed", problems=[GUARD])
    assert guarded.kinds == (Kind.GUARD,)


def test_a_run_that_fails_as_others_before_it_says_since_when() -> None:
    earlier = Earlier(count=2, since=NOW)
    assert (
        "It is the last of 3 runs of the same that failed since 2026-11-28 09:00 UTC."
        in run_failed(RAN, "a task failed", report(), earlier=earlier).lines
    )


def test_all_fine_again_says_since_when_it_was_not_and_what_was_found_all_the_same() -> None:
    message = fine_again(RAN, report(findings=("a.tif: two pages.",)), ["scheduled__0"], NOW)
    assert message.kinds == (Kind.FINE,)
    assert message.subject == "gcs_archive_sync: all fine again (Archive · maps)"
    assert message.lines[0] == (
        "The run scheduled__1 is fine, after the run scheduled__0, which failed at 2026-11-28 09:00 UTC."
    )
    assert "- a.tif: two pages." in message.lines
    assert "after 2 that failed since" in fine_again(RAN, report(), ["a", "b"], NOW).lines[0]


def test_an_approval_that_waits_says_what_is_asked_and_whether_a_guard_did() -> None:
    question = Question(
        subject="Remove 12 of 20 objects from s3://shop?",
        lines=tuple(f"{n}.jpg" for n in range(12)),
        count=12,
        facts=("corner: its guards let no more than 2 be removed without a yes.",),
    )
    message = approval_waits(RAN, question, 24, against=["t1 is flagged (Ann)"])
    assert message.kinds == (Kind.GUARD, Kind.APPROVAL)
    assert message.subject == "gcs_archive_sync: an approval waits: Remove 12 of 20 objects from s3://shop?"
    assert "24 hours at most" in message.text
    assert "- t1 is flagged (Ann)" in message.lines
    assert "- ... and 2 more of them" in message.lines
    assert approval_waits(RAN, Question(subject="Make 36 pictures?", count=36), 24).kinds == (Kind.APPROVAL,)


def test_a_late_run_and_one_that_nobody_answered_say_so() -> None:
    late = not_in_time(RAN, "2026-11-28 09:00", "running", "05:30", "")
    assert late.kinds == (Kind.LATE,)
    assert late.subject == "gcs_archive_sync: the run scheduled__1 is not done in time"
    ignored = nobody_answered(RAN, report(held=12, todo=12, done=108), "nobody answered within 24 hours")
    assert ignored.kinds == (Kind.APPROVAL,)
    assert "has left 12 objects as they are: nobody answered within 24 hours." in ignored.lines[0]


def test_no_name_or_reason_breaks_a_message() -> None:
    hostile = "a\r\nBcc: everybody@a.example\n\0\u202e\udcff" + "\N{GRINNING FACE}" * 5000
    message = run_failed(
        Ran(dag_id="d", run_id=hostile, page="", report=""),
        hostile,
        report(*(failed(f"{n}{hostile}", f"{n}{hostile}", where=hostile) for n in range(50)), title=hostile),
        problems=[hostile] * 50,
        said=[hostile] * 3,
    )
    assert all(line.isprintable() and len(line) <= 500 for line in message.lines)
    assert message.subject.isprintable()
    assert len(message.subject) <= 200
    # SNS takes 256 KiB, of JSON in which a character beyond the basic plane takes twelve bytes
    assert len(message.text) * 12 < 256 * 1024


# where they go


def test_channels_are_what_the_setting_says_and_the_log_is_always_one() -> None:
    assert Settings().alert_channels == Settings(alerts=" ").alert_channels == ()
    said = "log, sns:arn:aws:sns:eu-central-1:123456789012:darkroom-alerts,smtp:ops@studio.example, slack, slack"
    assert [str(one) for one in Settings(alerts=said).alert_channels] == [
        "sns:arn:aws:sns:eu-central-1:123456789012:darkroom-alerts",
        "smtp:ops@studio.example",
        "slack",
    ]


@pytest.mark.parametrize(
    "said",
    [
        "mail",
        "smtp",
        "smtp:ops",
        "smtp:ops@a.example\r\nBcc: b@a.example",
        "sns",
        "sns:arn:aws:sqs:eu-central-1:123456789012:queue",
        "sns:alerts",
        "slack:https://hooks.slack.example/services/T0/B0/secret",
        "log,,slack",
    ],
)
def test_a_channel_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(ValidationError, match="it must be channels with commas"):
        Settings(alerts=said)


# who has silenced them


def heard(store: Any, *kinds: Kind, now: datetime = NOW, dag: str = "gcs_archive_sync") -> bool:
    message = Message(kinds=kinds, dag_id=dag, subject="", lines=())
    return not silences.silencing(message, silences.every(store), now)


def test_a_silence_holds_for_its_dag_until_its_end_and_says_who_why_and_until_when(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    assert heard(store, Kind.ITEMS)
    made = silences.silence(store, "gcs_archive_sync", NOW + timedelta(days=3), " the bucket moves ", "Ann", now=NOW)
    assert made.sentence == "silenced until 2026-12-01 09:00 UTC by Ann (2026-11-28): the bucket moves"
    assert not heard(store, Kind.ITEMS)
    assert not heard(store, Kind.GUARD, Kind.TASK)
    assert heard(store, Kind.ITEMS, dag="nightly_pyramids")
    assert heard(store, Kind.ITEMS, now=NOW + timedelta(days=3))


def test_a_mismatch_is_heard_unless_it_is_named(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    end = NOW + timedelta(days=3)
    silences.silence(store, "gcs_archive_sync", end, "moves", "Ann", now=NOW)
    assert heard(store, Kind.MISMATCH, Kind.ITEMS)
    silences.silence(store, "gcs_archive_sync", end, "known", "Ann", kind=Kind.MISMATCH, now=NOW)
    assert not heard(store, Kind.MISMATCH, Kind.ITEMS)


def test_a_silence_of_one_kind_silences_no_message_that_is_of_another_one_too(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    silences.silence(store, "gcs_archive_sync", NOW + timedelta(days=3), "x", "Ann", kind=Kind.ITEMS, now=NOW)
    assert not heard(store, Kind.ITEMS)
    assert heard(store, Kind.GUARD, Kind.ITEMS)


@pytest.mark.parametrize(
    ("dag", "until", "reason", "said"),
    [
        ("a", NOW, "x", "is over; give a time to come"),
        ("a", NOW + timedelta(days=367), "x", "is more than a year away"),
        ("a", NOW + timedelta(days=1), " \n", "it says nothing"),
        ("a", NOW + timedelta(days=1), "x" * 501, "shorten it"),
        ("../a", NOW + timedelta(days=1), "x", "is no DAG's name"),
        ("", NOW + timedelta(days=1), "x", "is no DAG's name"),
    ],
)
def test_a_silence_without_a_reason_or_a_near_end_is_refused(
    tmp_path: Path, dag: str, until: datetime, reason: str, said: str
) -> None:
    store = open_store(str(tmp_path))
    with pytest.raises(BadInput, match=said):
        silences.silence(store, dag, until, reason, "Ann", now=NOW)
    assert silences.every(store) == ()


def test_a_silence_can_be_lifted_once_and_who_did_is_kept(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    made = silences.silence(store, "gcs_archive_sync", NOW + timedelta(days=3), "x", "Ann", now=NOW)
    lifted = silences.lift(store, made.id, "Ben", now=NOW)
    assert (lifted.lifted_by, lifted.lifted) == ("Ben", NOW)
    assert heard(store, Kind.ITEMS)
    with pytest.raises(BadInput, match="is no silence that stands"):
        silences.lift(store, made.id, "Ben", now=NOW)
    assert silences.every(store) == (lifted,)


# which failures a success mends

DEFAULTS = {"mode": "changed", "pairs": [], "prefix": "", "approval": "ask"}


def asked(run_id: str = "b", *, backfill: bool = False, **params: Any) -> Asked:
    return Asked(run_id=run_id, narrowed=narrowed({**DEFAULTS, **params}, DEFAULTS), backfill=backfill)


@pytest.mark.parametrize(
    ("later", "earlier", "mended"),
    [
        (asked(), asked("a"), True),
        (asked(mode="all"), asked("a"), True),
        (asked(mode="plan"), asked("a"), False),
        (asked(approval="none"), asked("a"), True),
        (asked(), asked("a", pairs=["maps"]), True),
        (asked(pairs=["maps"]), asked("a", pairs=["maps"]), True),
        (asked(pairs=["maps"]), asked("a"), False),
        (asked(pairs=["maps"]), asked("a", pairs=["prints"]), False),
        (asked(pairs=["maps"], prefix="18"), asked("a", pairs=["maps"]), False),
        (asked(pairs=["maps"]), asked("a", pairs=["maps"], prefix="18"), True),
        (asked(backfill=True), asked("a"), False),
        (asked(), asked("a", backfill=True), False),
        (asked("a", backfill=True), asked("a", backfill=True), True),
        (asked("a", pairs=["maps"]), asked("a"), True),
    ],
)
def test_what_a_success_mends(later: Asked, earlier: Asked, mended: bool) -> None:
    assert mends(later, earlier) is mended


def test_failures_are_remembered_until_a_run_mends_them(tmp_path: Path) -> None:
    store, dag = open_store(str(tmp_path)), "gcs_archive_sync"
    assert unmended.note(store, dag, asked("a"), NOW) == ()
    assert unmended.note(store, dag, asked("b", pairs=["maps"]), NOW) == ()
    assert [one.asked.run_id for one in unmended.note(store, dag, asked("c"), NOW)] == ["a"]
    assert unmended.note(store, dag, asked("c"), NOW)[0].asked.run_id == "a", "cleared, it is no further one"
    assert [one.asked.run_id for one in unmended.mend(store, dag, asked("d", pairs=["maps"]))] == ["b"]
    assert [one.asked.run_id for one in unmended.mend(store, dag, asked("e"))] == ["a", "c"]
    assert unmended.mend(store, dag, asked("f")) == ()


def test_a_damaged_memory_of_failures_is_set_aside(tmp_path: Path) -> None:
    store, dag = open_store(str(tmp_path)), "gcs_archive_sync"
    store.write(keys.unmended(dag), b"{")
    assert unmended.mend(store, dag, asked()) == ()
    assert unmended.note(store, dag, asked("a"), NOW) == ()
    assert len(unmended.mend(store, dag, asked())) == 1
