"""All fine again, silences, and approvals that wait: when an alert is sent, and when it is not."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from darkroom import keys
from darkroom.alerting import silences
from darkroom.approvals import Approval, answer
from darkroom.plan_folder import PlanFolder
from darkroom.store import open_store
from tests.dags.alerts.world import DAG, TOKEN, Line, failed
from tests.dags.person import APPROVE, somebody
from tests.dags.test_approval import ALL_WELL, new_plan
from tests.dags.test_approval import run as run_asking
from tests.servers.processes import free_ports
from tests.servers.webhook import Webhook

pytestmark = pytest.mark.usefixtures("dagbag", "nothing_but_connections")


# all fine again


def test_all_is_fine_again_once_a_run_does_what_the_failed_ones_did_not(
    line: Line, alerts_to: Callable[[str], None], chat: Webhook
) -> None:
    alerts_to("slack")
    line.succeeds()
    assert chat.texts == []
    first = line.fails(failed("maps/a.tif"))
    line.fails(failed("maps/a.tif"))
    assert "It is the last of 2 runs of the same that failed since " in chat.texts.pop()
    chat.posts.clear()
    line.succeeds(pairs=["prints"])
    line.succeeds(mode="plan")
    line.succeeds(held=3)
    assert chat.texts == [], "none of these has done what failed"
    line.succeeds()
    (text,) = chat.texts
    assert text.startswith(f"{DAG}: all fine again (Archive · maps)")
    assert "is fine, after 2 that failed since" in text
    chat.posts.clear()
    line.succeeds()
    assert chat.texts == []
    line.fails(failed("maps/a.tif"), run_id=first, pairs=["maps"])
    chat.posts.clear()
    line.succeeds(run_id=first, pairs=["maps"])
    assert f"after the run {first}, which failed at " in chat.texts[0]


def test_a_run_that_nobody_answered_says_so_and_one_that_somebody_rejected_does_not(
    line: Line, alerts_to: Callable[[str], None], chat: Webhook
) -> None:
    alerts_to("slack")
    for run_id, by, why in (("rejected", "Ann", ""), ("ignored", "", "nobody answered within 24 hours")):
        folder = PlanFolder(open_store(str(line.studio)), keys.plan_folder(DAG, run_id, "1"))
        answer(folder, Approval(approved=False, by=by, why=why, when=datetime.now(UTC)))
        line.succeeds(run_id=run_id, held=3)
    (text,) = chat.texts
    assert "The run ignored has left 3 objects as they are: nobody answered within 24 hours." in text


# silences


def test_a_silenced_alert_is_in_the_log_with_who_why_and_until_when_and_nowhere_else(
    line: Line, alerts_to: Callable[[str], None], chat: Webhook, capfd: pytest.CaptureFixture[str]
) -> None:
    alerts_to("slack")
    store = open_store(str(line.studio))
    made = silences.silence(store, DAG, datetime.now(UTC) + timedelta(days=3), "the bucket moves", "Ann")
    line.fails(failed("maps/a.tif"))
    assert chat.texts == []
    log = "".join(capfd.readouterr())
    assert "it is cut short: maps/a.tif" in log
    assert f"This alert is not sent: it is silenced until {made.until:%Y-%m-%d %H:%M} UTC by Ann" in log
    assert "the bucket moves" in log
    line.fails(failed("maps/a.tif", "aa instead of bb", "mismatch"))
    assert len(chat.posts) == 1, "a mismatch has to be named to be silenced"
    silences.lift(store, made.id, "Ann")
    line.fails(failed("maps/a.tif"))
    assert len(chat.posts) == 2


def test_damaged_silences_silence_nothing(line: Line, alerts_to: Callable[[str], None], chat: Webhook) -> None:
    alerts_to("slack")
    open_store(str(line.studio)).write(keys.SILENCES, b"{")
    line.fails(failed("maps/a.tif"))
    assert len(chat.posts) == 1


# an approval


def test_an_approval_that_waits_is_told_before_anybody_answers(
    line: Line, alerts_to: Callable[[str], None], chat: Webhook, tmp_path: Path
) -> None:
    alerts_to("slack")
    folder = new_plan(tmp_path / "shop")
    with somebody("asks", APPROVE):
        assert run_asking(lambda: folder) == ALL_WELL
    (text,) = chat.texts
    assert text.startswith("asks: an approval waits: shops: 212 of 1,000 objects would be removed")
    assert "\n- a.jpg\n" in text
    assert "/tasks/approve/required_actions" in text


def test_an_approval_goes_on_where_nobody_can_be_told(
    line: Line, alerts_to: Callable[[str], None], connect: Callable[..., None], tmp_path: Path
) -> None:
    connect("slack_default", conn_type="slackwebhook", host=f"http://127.0.0.1:{free_ports(1)}", password=TOKEN)
    alerts_to("slack")
    folder = new_plan(tmp_path / "shop")
    with somebody("asks", APPROVE):
        assert run_asking(lambda: folder) == ALL_WELL
