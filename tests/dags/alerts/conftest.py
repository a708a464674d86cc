"""A real receiver of every channel, with the connection that leads to it, and a deployment whose runs end."""

from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from darkroom.settings import settings
from tests.dags.alerts.world import PASSWORD, REGION, TOKEN, USER, Line, Topic
from tests.servers.mail import MailServer, mail_server
from tests.servers.moto import moto_s3
from tests.servers.webhook import Webhook, webhook


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    with moto_s3() as server:
        yield server.endpoint


@pytest.fixture
def topic(aws: str, connect: Callable[..., None], tmp_path: Path) -> Topic:
    """A topic with a subscription, and the connection that leads there."""
    keys_of = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "secret", "region_name": REGION}
    sns, sqs = (boto3.client(name, endpoint_url=aws, **keys_of) for name in ("sns", "sqs"))
    arn = sns.create_topic(Name=f"alerts-{abs(hash(tmp_path))}")["TopicArn"]
    queue = sqs.create_queue(QueueName=f"alerts-{abs(hash(tmp_path))}")["QueueUrl"]
    about = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=about["QueueArn"])
    connect("aws_default", login="AKIA", password="secret", extra={"endpoint_url": aws})
    return Topic(arn, queue, sqs)


@pytest.fixture
def mails(connect: Callable[..., None]) -> Iterator[MailServer]:
    with mail_server(USER, PASSWORD) as server:
        extra = {"from_email": "darkroom@studio.example", "disable_ssl": True, "disable_tls": True}
        connect(
            "smtp_default",
            conn_type="smtp",
            host="127.0.0.1",
            port=server.port,
            login=USER,
            password=PASSWORD,
            extra=extra,
        )
        yield server


@pytest.fixture
def chat(connect: Callable[..., None]) -> Iterator[Webhook]:
    with webhook() as server:
        connect("slack_default", conn_type="slackwebhook", host=f"{server.address}/services", password=TOKEN)
        yield server


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Line]:
    monkeypatch.setenv("DARKROOM_STUDIO_STORE", str(tmp_path / "studio"))
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example")
    settings.cache_clear()
    yield Line(tmp_path)
    monkeypatch.undo()
    settings.cache_clear()


@pytest.fixture
def alerts_to(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def set_to(channels: str) -> None:
        monkeypatch.setenv("DARKROOM_ALERTS", channels)
        settings.cache_clear()

    return set_to
