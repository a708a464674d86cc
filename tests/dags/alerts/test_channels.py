"""Every channel hears of an alert once, as it may hear it; one that is down holds up no other."""

import time
from collections.abc import Callable

import pytest

from darkroom.alerting.channels import channels_of
from tests.dags.alerts.world import DAG, OPS, PASSWORD, REGION, TOKEN, Line, Topic, a_message, failed
from tests.servers.mail import MailServer
from tests.servers.processes import free_ports
from tests.servers.webhook import Webhook

pytestmark = pytest.mark.usefixtures("dagbag", "nothing_but_connections")


# every channel


def test_a_topic_hears_of_it_with_an_ascii_subject_and_whose_and_what_kind_it_is(topic: Topic) -> None:
    from darkroom_airflow.alert_channels import send

    message = a_message()
    assert send(message, channels_of(f"sns:{topic.arn}")) == {}
    (heard,) = topic.heard()
    assert heard["Subject"].startswith(f"{DAG}: 4 of 10 objects not made (Archive - {{{{ 7 * 7 }}}}\\r\\nBcc: ")
    assert len(heard["Subject"]) == 100
    assert heard["Subject"].isascii()
    assert heard["Message"] == f"{message.subject}\n\n{message.text}"
    assert "{{ conn.smtp_default.password }}" in heard["Message"]
    attributes = {name: one["Value"] for name, one in heard["MessageAttributes"].items()}
    assert attributes == {"dag": DAG, "kind": "items"}


def test_a_mail_is_sent_to_the_address_and_no_other_and_its_html_is_text(mails: MailServer) -> None:
    from darkroom_airflow.alert_channels import send

    message = a_message()
    assert send(message, channels_of(f"smtp:{OPS}")) == {}
    ((to, mail),) = mails.mails
    assert to == [OPS]
    assert (mail["To"], mail["From"], mail["Bcc"]) == (OPS, "darkroom@studio.example", None)
    assert mail["Subject"] == message.subject
    body = mail.get_body(("html",))
    assert body is not None
    page = body.get_content()
    assert "<b onclick" not in page
    assert "&lt;b onclick=" in page
    assert "&lt;!channel&gt;" in page
    assert "{{ conn.smtp_default.password }}" in page
    assert PASSWORD not in page
    assert '<a href="https://airflow.example/dags/gcs_archive_sync/runs/a%2B1">' in page


def test_a_chat_gets_plain_text_in_which_nothing_is_a_mention_or_a_link(chat: Webhook) -> None:
    from darkroom_airflow.alert_channels import send

    message = a_message()
    assert send(message, channels_of("slack")) == {}
    ((path, post),) = chat.posts
    assert path == f"/services/{TOKEN}"
    assert not post["mrkdwn"]
    assert "<" not in post["text"]
    assert "&lt;!channel&gt;" in post["text"]
    assert "{{ conn.smtp_default.password }}" in post["text"]
    assert message.subject in post["text"]


def test_all_channels_of_the_setting_hear_of_a_failed_run_once(
    line: Line, alerts_to: Callable[[str], None], topic: Topic, mails: MailServer, chat: Webhook
) -> None:
    alerts_to(f"log, sns:{topic.arn}, smtp:{OPS}, slack")
    run_id = line.fails(failed("maps/a.tif"), failed("maps/b.tif", "aa instead of bb", "mismatch"))
    subject = f"{DAG}: hashes do not match: 1 object (Archive · maps)"
    ((_, mail),) = mails.mails
    assert mail["Subject"] == subject
    (text,) = chat.texts
    assert text.startswith(subject)
    for said in ("- aa instead of bb: maps/b.tif", "- it is cut short: maps/a.tif (failed; gs://scans/maps/a.tif)"):
        assert said in text
    assert f"The run: https://airflow.example/dags/{DAG}/runs/{run_id}/plugin/report\n" in text
    assert f"The report: {line.studio}/work/{DAG}/{run_id}/1/report.html" in text
    (heard,) = topic.heard()
    assert heard["MessageAttributes"]["kind"]["Value"] == "mismatch"


# channels that are down


def test_a_channel_that_is_down_is_said_in_the_log_and_the_others_get_it(
    line: Line,
    alerts_to: Callable[[str], None],
    mails: MailServer,
    connect: Callable[..., None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    connect("slack_default", conn_type="slackwebhook", host=f"http://127.0.0.1:{free_ports(1)}", password=TOKEN)
    connect("aws_default", login="AKIA", password="secret", extra={"endpoint_url": f"http://127.0.0.1:{free_ports(1)}"})
    alerts_to(f"slack, sns:arn:aws:sns:{REGION}:123456789012:alerts, smtp:{OPS}")
    line.fails(failed("maps/a.tif"))
    assert len(mails.mails) == 1
    log = "".join(capfd.readouterr())
    assert "The alert did not reach slack: " in log
    assert f"The alert did not reach sns:arn:aws:sns:{REGION}:123456789012:alerts: " in log
    assert f"The alert was sent to smtp:{OPS}." in log
    assert "it is cut short: maps/a.tif" in log
    for secret in (PASSWORD, TOKEN):
        assert secret not in log


def test_a_channel_without_its_connection_is_said_at_once() -> None:
    from darkroom_airflow.alert_channels import send

    began = time.monotonic()
    said = send(a_message(), channels_of("slack"))
    assert [str(error) for error in said.values()] == [
        "AirflowNotFoundException: The conn_id `slack_default` isn't defined"
    ]
    assert time.monotonic() - began < 1


def test_a_channel_that_says_no_for_a_moment_is_tried_again(
    chat: Webhook, mails: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from darkroom_airflow import alert_channels

    monkeypatch.setattr(alert_channels, "_PAUSES", (0.1, 0.1))
    chat.answers += [500, 503]
    mails.answers += ["451 try again later"]
    assert alert_channels.send(a_message(), channels_of(f"slack, smtp:{OPS}")) == {}
    assert (len(chat.posts), len(mails.mails)) == (1, 1)
    chat.answers += [500, 500, 500]
    mails.answers += ["554 no", "250 OK"]
    failures = alert_channels.send(a_message(), channels_of(f"slack, smtp:{OPS}"))
    assert sorted(channel.name for channel in failures) == ["slack", "smtp"]
    assert mails.answers == ["250 OK"], "what is refused for good is not tried again"


def test_a_channel_that_never_answers_holds_up_no_other(chat: Webhook, mails: MailServer) -> None:
    from darkroom_airflow.alert_channels import send

    chat.slow = 30
    began = time.monotonic()
    failures = send(a_message(), channels_of(f"slack, smtp:{OPS}"), seconds=2)
    assert time.monotonic() - began < 4
    assert {channel.name: said for channel, said in failures.items()} == {"slack": "it did not answer within 2 s"}
    assert len(mails.mails) == 1


def test_a_store_that_is_down_keeps_no_alert_back(
    line: Line,
    alerts_to: Callable[[str], None],
    chat: Webhook,
    connect: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from darkroom_airflow import alerts

    monkeypatch.setattr(alerts, "_READ", 2.0)
    connect("aws_default", login="AKIA", password="secret", extra={"endpoint_url": f"http://127.0.0.1:{free_ports(1)}"})
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", "s3://studio")
    alerts_to("slack")
    began = time.monotonic()
    line.fails(no_plan=True)
    (text,) = chat.texts
    assert text.startswith(f"{DAG}: the run failed")
    assert time.monotonic() - began < 15
