"""Sends an alert's message by Airflow's own providers: each channel by itself, in a bounded time, and failing nothing.

The providers' hooks are used and not their notifiers, which render what they are given as templates: a name in a
message could then read a connection.
"""

import html
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from darkroom.alerting.channels import SLACK, SMTP, SNS, Channel
from darkroom_airflow.credentials import AWS_CONNECTION

if TYPE_CHECKING:
    from darkroom.alerting.message import Message

log = logging.getLogger(__name__)

SMTP_CONNECTION = "smtp_default"
"""A mail server: its host, port, login and password; who the mail is from is `from_email` in its extra."""
SLACK_CONNECTION = "slack_default"
"""Of the type *Slack Incoming Webhook*: its password is the webhook's token, or its whole URL."""

SECONDS = 20.0
"""All channels together have as long. Airflow ends a process that runs a callback after 50 s, whatever it does."""
_PAUSES = (1.0, 3.0)
_EACH = 6  # seconds of one connection or answer

_SUBJECT = 100
"""Characters of a subject, as SNS has it: ASCII."""
_SLACK_TEXT = 30_000
"""Characters of a text; Slack cuts at 40,000."""

ResultT = TypeVar("ResultT")


def send(message: "Message", channels: Sequence[Channel], seconds: float = SECONDS) -> Mapping[Channel, str]:
    """Send a message to every channel at the same time; returns why it did not reach those that it did not reach.

    Each is tried thrice. One that is down or silent neither raises nor holds up another one.
    """
    end = time.monotonic() + seconds
    waiting = {channel: begun(partial(_tried, channel, message, end)) for channel in channels}
    failed = {}
    for channel, result in waiting.items():
        try:
            result(end - time.monotonic())
        except TimeoutError:
            failed[channel] = f"it did not answer within {seconds:.0f} s"
        except Exception as error:  # noqa: BLE001 whatever a provider raises, the run and the other channels go on
            failed[channel] = f"{type(error).__name__}: {error}"
    return failed


def begun(work: Callable[[], ResultT]) -> Callable[[float], ResultT]:
    """Begin some work in a thread of its own, which nobody waits for in the end.

    Returns what waits so many seconds for its result. That raises `TimeoutError`, or what the work raised.
    """
    done: queue.SimpleQueue[tuple[ResultT | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            done.put((work(), None))
        except Exception as error:  # noqa: BLE001 raised again where the result is waited for
            done.put((None, error))

    threading.Thread(target=run, name="alert", daemon=True).start()

    def result(seconds: float) -> ResultT:
        try:
            found, error = done.get(timeout=max(0.0, seconds))
        except queue.Empty:
            raise TimeoutError from None
        if error:
            raise error
        return found  # type: ignore[return-value]  # of a work that returns nothing, that is it

    return result


def _tried(channel: Channel, message: "Message", end: float) -> None:
    """Send to one channel, again after a pause when that may help and there is time for it."""
    for pause in (*_PAUSES, None):
        try:
            _SENDERS[channel.name](channel.to, message)
        except Exception as error:
            if pause is None or _is_final(error) or time.monotonic() + pause >= end:
                raise
            time.sleep(pause)
        else:
            return


def _is_final(error: Exception) -> bool:
    """Would the next try hear the same?"""
    import smtplib

    from airflow.sdk.exceptions import AirflowNotFoundException
    from botocore.exceptions import ClientError, NoCredentialsError

    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return 400 <= status < 500 and status != 429 and "Throttl" not in str(error)
    if isinstance(error, smtplib.SMTPResponseException):
        return 500 <= error.smtp_code < 600
    return isinstance(error, AirflowNotFoundException | NoCredentialsError | smtplib.SMTPRecipientsRefused)


def _to_topic(arn: str, message: "Message") -> None:
    import hashlib

    from airflow.providers.amazon.aws.hooks.sns import SnsHook
    from botocore.config import Config

    config = Config(connect_timeout=_EACH, read_timeout=_EACH, retries={"total_max_attempts": 1})
    hook = SnsHook(aws_conn_id=AWS_CONNECTION, region_name=arn.split(":")[3], config=config)  # type: ignore[no-untyped-call]
    text = f"{message.subject}\n\n{message.text}"
    in_order: dict[str, str] = {}
    if arn.endswith(".fifo"):
        digest = hashlib.sha256(text.encode(errors="replace")).hexdigest()
        in_order = {"message_group_id": message.dag_id, "message_deduplication_id": digest}
    attributes = {"dag": message.dag_id, "kind": message.kinds[0].value}
    hook.publish_to_target(arn, text, topic_subject(message.subject), attributes, **in_order)


def topic_subject(subject: str) -> str:
    """A subject as SNS takes it: at most 100 characters of ASCII.

    >>> topic_subject("a: 1 of 2 pictures not made (tiny-dress · Knee)")
    'a: 1 of 2 pictures not made (tiny-dress - Knee)'
    """
    plain = subject.replace("·", "-").encode("ascii", "replace").decode().strip() or "Darkroom"
    return plain if len(plain) <= _SUBJECT else f"{plain[: _SUBJECT - 3]}..."


def _to_address(address: str, message: "Message") -> None:
    from airflow.providers.smtp.hooks.smtp import SmtpHook

    class Mail(SmtpHook):
        """Tries once, and not for long: how often it is tried is said here for all channels."""

        smtp_retry_limit = 0
        timeout = _EACH

    with Mail(SMTP_CONNECTION) as server:
        server.send_email_smtp(
            to=address,
            subject=message.subject,
            html_content=page_of(message),
            custom_headers={"Auto-Submitted": "auto-generated"},  # no answer that somebody is on holiday
        )


def page_of(message: "Message") -> str:
    """The message as a mail's HTML: names in it are text, and addresses are links."""
    rows = []
    for line in message.lines:
        label, colon, address = line.partition(": ")
        if colon and address.startswith(("http://", "https://")):
            rows.append(f'{html.escape(label)}: <a href="{html.escape(address)}">{html.escape(address)}</a>')
        else:
            rows.append(html.escape(line))
    return f"<html><body><p><b>{html.escape(message.subject)}</b></p><p>{'<br>'.join(rows)}</p></body></html>"


def _to_slack(to: str, message: "Message") -> None:
    from airflow.providers.slack.hooks.slack_webhook import SlackWebhookHook

    hook = SlackWebhookHook(slack_webhook_conn_id=SLACK_CONNECTION, timeout=_EACH, retry_handlers=[])
    hook.send_dict(slack_body(message))


def slack_body(message: "Message") -> dict[str, Any]:
    """The message as a webhook takes it: no mark-up and no mention in it means anything."""
    lines = [_escaped(line) for line in (message.subject, "", *message.lines)]
    kept: list[str] = []
    for line in lines:
        if sum(len(one) + 1 for one in kept) + len(line) > _SLACK_TEXT:
            kept.append("...")
            break
        kept.append(line)
    return {"text": "\n".join(kept), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}


def _escaped(line: str) -> str:
    """A line in which Slack sees no link, mention or entity.

    >>> _escaped("<!channel> a&b")
    '&lt;!channel&gt; a&amp;b'
    """
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


_SENDERS: Mapping[str, Callable[[str, "Message"], None]] = {SNS: _to_topic, SMTP: _to_address, SLACK: _to_slack}
