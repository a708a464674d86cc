"""A whole night as a DAG: uploads by the queue, an API with files of a bucket and of Google Drive, real workers."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from darkroom.pyramids.validate import inspect
from darkroom.settings import settings
from darkroom.store import open_store
from tests import scans as drawings
from tests.dags.tiny_studio import Run, run_dag, without_aws_identity
from tests.servers.appsync import AppSync, appsync
from tests.servers.drive import Drive
from tests.servers.moto import moto_s3

DAG = "nightly_pyramids"
BUCKET = "library-scans"
IN_DRIVE = "1aB_c-2dE3f4"

pytestmark = pytest.mark.usefixtures("dagbag")


@dataclass
class World:
    """What the deployment works with."""

    s3: Any
    api: AppSync
    drive: Drive
    root: Path

    @property
    def images(self) -> list[str]:
        return sorted(entry.key for entry in open_store(str(self.root / "images")).list())

    def upload(self, key: str, data: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=data)

    def markers(self) -> list[str]:
        return [entry.key for entry in open_store(str(self.root / "studio")).list("process/")]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, dagbag: Any) -> Iterator[World]:
    root = tmp_path_factory.mktemp("nightly")
    with (
        moto_s3() as server,
        appsync() as api,
        Drive(tmp_path_factory.mktemp("drive")) as drive,
        pytest.MonkeyPatch.context() as patch,
    ):
        variables = {
            "AWS_ENDPOINT_URL": server.endpoint,
            "AWS_DEFAULT_REGION": "us-east-1",
            "DARKROOM_STUDIO_STORE": str(root / "studio"),
            "DARKROOM_IMAGE_STORE": str(root / "images"),
            "DARKROOM_SCAN_SOURCES": json.dumps({"maps": f"s3://{BUCKET}/maps"}),
            "DARKROOM_APPSYNC_URL": api.url,
        }
        without_aws_identity(patch, root)
        for name, value in variables.items():
            patch.setenv(name, value)
        keys = {"login": server.access_key, "password": server.secret_key}
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({"conn_type": "aws", **keys}))
        patch.setenv("AIRFLOW_CONN_APPSYNC_DEFAULT", json.dumps({"conn_type": "http", "password": api.key}))
        drive.lead_here(patch)
        session = boto3.Session(server.access_key, server.secret_key)
        s3, sqs = session.client("s3"), session.client("sqs")
        s3.create_bucket(Bucket=BUCKET)
        queue = sqs.create_queue(QueueName="uploads")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        told = [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]
        s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration={"QueueConfigurations": told})
        patch.setenv("DARKROOM_SCAN_QUEUE", queue)
        settings.cache_clear()
        yield World(s3, api, drive, root)
    settings.cache_clear()


@pytest.fixture(scope="module")
def night(world: World) -> Run:
    """A night with an upload, a torn one, two files of the API, and one that it lists in vain."""
    world.upload("maps/1890/a b+c ü.jpg", drawings.picture(300, 200).jpegsave_buffer())
    world.upload("maps/torn.png", drawings.picture().pngsave_buffer()[:2000])
    world.upload("maps/1891/b.tif", drawings.picture(300, 200).tiffsave_buffer())
    world.drive.add(IN_DRIVE, drawings.picture(200, 100).pngsave_buffer())
    items = [
        {"id": "in-s3", "sourceType": "S3", "sourceBucketName": BUCKET, "sourceFilePath": "maps/1891/b.tif"},
        {"id": "in-drive", "sourceType": "Museum", "sourceUri": IN_DRIVE},
        {"id": "nowhere", "sourceType": "Museum", "sourceUri": "is-not-there"},
    ]
    world.api.items += [item | {"filePath": f"public/{item['id']}.jpg"} for item in items]
    return run_dag(DAG, {})


def test_everything_that_can_be_made_is_and_the_run_says_what_cannot(night: Run, world: World) -> None:
    assert night.state == "failed"
    assert world.images == ["1890/a b+c ü.tif", "1891/b.tif", "public/in-drive.tif", "public/in-s3.tif"]
    for key in world.images:
        assert inspect(world.root / "images" / key).problems == []
    assert night.tasks["collect"] == night.tasks["plan"] == night.tasks["settle"] == "success"
    assert night.tasks["report"] == "failed"
    assert [item["item"] for item in night.report["not_done"]] == ["maps/torn.png"]
    assert night.report["kinds"] == {"decode": 1}
    assert any("appsync/nowhere: there is no such image" in finding for finding in night.report["findings"])


def test_the_api_is_told_what_is_proven_and_what_is_gone(night: Run, world: World) -> None:
    assert world.api.processed == {"in-s3": (200, 300), "in-drive": (100, 200)}
    assert world.api.removed == ["nowhere"]
    assert {request.headers.get("x-api-key") for request in world.api.requests} == {world.api.key}


def test_only_the_torn_upload_is_still_marked(night: Run, world: World) -> None:
    (left,) = world.markers()
    assert json.loads((world.root / "studio" / left).read_bytes())["key"] == "torn.png"


def test_the_tasks_are_named_after_what_they_make_and_pass_on_no_data_and_no_secret(night: Run, world: World) -> None:
    assert night.labels == ["appsync: 2, maps: 3 · 1 megapixels"]
    assert night.xcoms["collect", "counts"] == {"marked": 3, "files": 3, "gone": 1, "problems": 0}
    assert world.api.key not in repr(night.xcoms)
    written = b"".join(path.read_bytes() for path in (world.root / "studio").rglob("*") if path.is_file())
    assert world.api.key.encode() not in written


def test_the_next_night_tries_the_torn_one_again_and_nothing_else(night: Run, world: World) -> None:
    again = run_dag(DAG, {})
    assert again.state == "failed"
    assert (again.report["planned"], again.report["refused"]) == (1, 1)
    world.upload("maps/torn.png", drawings.picture().pngsave_buffer())
    mended = run_dag(DAG, {"sources": ["maps"], "mode": "changed", "profile": "jpeg"})
    assert mended.state == "success", mended.report
    assert world.markers() == []


def test_mode_plan_takes_no_message_out_of_the_queue(night: Run, world: World) -> None:
    before = world.markers()
    world.upload("maps/later.jpg", drawings.picture().jpegsave_buffer())
    run = run_dag(DAG, {"mode": "plan"})
    assert run.state == "success"
    assert "queue: about 1 messages wait; mode plan takes none." in run.report["findings"]
    assert world.markers() == before
    assert run_dag(DAG, {"extensions": ["jpg"]}).xcoms["collect", "counts"]["marked"] == 1
    assert "later.tif" in world.images


def test_a_request_that_cannot_be_fails_collect_and_says_so_in_log_report_and_alert(
    night: Run, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    run = run_dag(DAG, {"sources": ["photos"]})
    (problem,) = run.xcoms["collect", "problems"]
    assert problem.startswith("sources: 'photos' is no source; ")
    log = capfd.readouterr()
    assert (log.out + log.err).count(f"- {problem}") >= 2, "collect and report"
    assert 'task_runner.py", line' not in log.out + log.err, "a refusal is a sentence and no traceback"
    assert run.state == "failed"
    assert run.tasks["collect"] == "failed"
    assert run.tasks["settle"] == "skipped"
    assert world.images
