"""Uploads become markers: S3 events of a real bucket, through a queue, in lock step."""

import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from darkroom.errors import BadInput, Denied, StoreError, Unavailable
from darkroom.progress import Progress
from darkroom.pyramids.sources import queue
from darkroom.pyramids.sources.markers import mark, read_markers
from darkroom.pyramids.sources.queue import Drained, drain, waiting
from darkroom.store import Store, open_store
from darkroom.store.access import NO_ACCESS
from tests.servers.moto import moto_s3

PART = 5 << 20  # bytes, the least that S3 takes


class Library:
    """A bucket that tells a queue of what is uploaded, and the store that the markers go to."""

    def __init__(self, session: boto3.Session, store: Store) -> None:
        self.bucket, self.store = f"scans-{secrets.token_hex(4)}", store
        self.s3, self.sqs = session.client("s3"), session.client("sqs")
        self.url = self.sqs.create_queue(QueueName=self.bucket)["QueueUrl"]
        attributes = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])["Attributes"]
        told = [{"QueueArn": attributes["QueueArn"], "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}]
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={"QueueConfigurations": told}
        )
        self.sqs.purge_queue(QueueUrl=self.url)  # of the event that S3 sends to try it

    def upload(self, key: str, body: bytes = b"image") -> str:
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)["ETag"].strip('"')

    def send(self, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    @property
    def sources(self) -> dict[str, str]:
        return {"maps": f"s3://{self.bucket}/maps/"}

    def drain(self, store: Store | None = None) -> Drained:
        return drain(self.url, self.sources, store or self.store)

    def markers(self) -> dict[str, str]:
        found = list(read_markers(self.store, "maps"))
        markers = {one.marker.key: one.marker.etag for one in found if one.marker}
        assert len(markers) == len(found), "one image has one marker"
        return markers

    def left(self) -> int:
        """Messages that are in the queue, whether they can be received now or not."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        said = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(said[name]) for name in names)


@pytest.fixture(scope="module")
def aws() -> Iterator[dict[str, str]]:
    with moto_s3() as server:
        yield server.environment()


@pytest.fixture(scope="module")
def session() -> boto3.Session:
    return boto3.Session()  # it keeps what its clients have in common


@pytest.fixture
def library(aws: dict[str, str], session: boto3.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    for name, value in aws.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(queue, "_WAIT", 0)
    return Library(session, open_store(str(tmp_path)))


class Failing:
    """A store on which writes fail."""

    def __init__(self, store: Store, error: Exception) -> None:
        self._store, self._error = store, error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def write(self, *_: object, **__: object) -> None:
        raise self._error


def test_an_upload_is_marked_under_its_own_name_and_leaves_the_queue(library: Library) -> None:
    etags = {key: library.upload(f"maps/{key}") for key in ("1890/a b+c ü.jpg", "b.jpg")}
    with Progress("draining", None) as progress:
        assert drain(library.url, library.sources, library.store, progress=progress) == Drained(2, 0, 0, ())
        assert progress.done == 2
    assert library.markers() == etags
    assert library.left() == 0


def test_the_marker_is_the_one_that_darkroom_mark_writes(library: Library) -> None:
    library.upload("maps/1890/a.jpg")
    library.drain()
    scans = open_store(library.sources["maps"])
    assert [marked.already for marked in mark(scans, scans.list(), library.store, "maps")] == [True]


def test_one_file_name_in_two_folders_is_two_markers(library: Library) -> None:
    library.upload("maps/1890/a.jpg")
    library.upload("maps/1891/a.jpg")
    assert library.drain() == Drained(2, 0, 0, ())
    assert set(library.markers()) == {"1890/a.jpg", "1891/a.jpg"}


@pytest.mark.parametrize("drained_between", [False, True])
def test_of_two_uploads_the_newer_is_marked(library: Library, drained_between: bool) -> None:
    library.upload("maps/a.jpg", b"old")
    if drained_between:
        library.drain()
    new = library.upload("maps/a.jpg", b"new")
    assert library.drain() == (Drained(1, 0, 0, ()) if drained_between else Drained(1, 1, 0, ()))
    assert library.markers() == {"a.jpg": new}


def test_events_out_of_order_leave_the_etag_of_the_last(library: Library) -> None:
    for etag, sequencer in (("new", "0055AED6DCD90281E6"), ("old", "0055AED6DCD90281E5")):
        of_object = {"key": "maps/a.jpg", "eTag": etag, "sequencer": sequencer}
        record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": library.bucket}, "object": of_object}}
        library.send(json.dumps({"Records": [record]}))
    assert library.drain() == Drained(1, 1, 0, ())
    assert library.markers() == {"a.jpg": "new"}


def test_a_multipart_upload_is_one_image_however_many_events_tell_of_it(library: Library) -> None:
    named = {"Bucket": library.bucket, "Key": "maps/large.tif"}
    named["UploadId"] = library.s3.create_multipart_upload(**named)["UploadId"]
    parts = [
        {"PartNumber": number, "ETag": library.s3.upload_part(**named, PartNumber=number, Body=bytes(PART))["ETag"]}
        for number in (1, 2)
    ]
    etag = library.s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})["ETag"].strip('"')
    drained = library.drain()
    assert (drained.marked, drained.left) == (1, ())
    assert library.markers() == {"large.tif": etag}


def test_what_calls_for_no_marker_is_deleted_without_one(library: Library) -> None:
    library.upload("maps/marker.json")
    library.upload("maps/1890/")
    library.s3.delete_object(Bucket=library.bucket, Key="maps/1890/")
    assert library.drain() == Drained(0, 0, 3, ())
    assert library.left() == 0


def test_more_than_one_batch_is_drained_and_what_is_not_understood_stays(library: Library) -> None:
    for number in range(25):
        library.upload(f"maps/{number}.jpg")
        if number % 10 == 0:
            library.send(f"no event {number}")
    assert waiting(library.url) == 28
    drained = library.drain()
    assert (drained.marked, len(drained.left)) == (25, 3)
    assert all(sentence.endswith("stays in the queue: it is no event of S3.") for sentence in drained.left)
    assert library.left() == 3
    assert library.drain() == Drained(0, 0, 0, ()), "they are hidden as yet"


def test_a_message_that_stays_does_not_keep_a_drain_going(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_HIDDEN", 0)  # it is given out again at once
    library.send("no event")
    assert len(library.drain().left) == 1
    assert library.left() == 1


def test_only_so_many_messages_that_stay_are_named(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_SAID", 2)
    for _ in range(5):
        library.send("x" * 10_000)
    left = library.drain().left
    assert len(left) == 3
    assert left[-1] == "3 more messages stay in the queue."


def test_an_upload_to_no_sources_place_stays(library: Library) -> None:
    library.upload("books/a.jpg")
    library.upload("maps/a.jpg")
    drained = library.drain()
    assert (drained.marked, len(drained.left), library.left()) == (1, 1, 1)
    assert drained.left[0].endswith(f"no place of DARKROOM_SCAN_SOURCES holds s3://{library.bucket}/books/a.jpg.")


def test_a_message_of_good_and_unknown_events_marks_the_good_ones_and_stays(library: Library) -> None:
    records = [
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": library.bucket}, "object": {"key": key}}}
        for key in ("maps/a.jpg", "books/b.jpg")
    ]
    library.send(json.dumps({"Records": records}))
    drained = library.drain()
    assert (drained.marked, len(drained.left), library.left()) == (1, 1, 1)
    assert set(library.markers()) == {"a.jpg"}


def test_a_crash_between_marker_and_delete_loses_and_doubles_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    etag = library.upload("maps/a.jpg")
    monkeypatch.setattr(queue, "_HIDDEN", 1)
    with monkeypatch.context() as patch:
        patch.setattr(queue._Queue, "delete", crash)
        with pytest.raises(KeyboardInterrupt):
            library.drain()
    assert library.markers() == {"a.jpg": etag}
    _until_received_again(library)
    assert library.drain() == Drained(0, 1, 0, ())
    assert library.markers() == {"a.jpg": etag}
    assert library.left() == 0


def test_a_message_that_sqs_does_not_delete_is_said_and_comes_again(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.upload("maps/a.jpg")
    received = queue._Queue.receive
    monkeypatch.setattr(
        queue._Queue,
        "receive",
        lambda self: [queue._Message(one.id, "no such handle", one.said) for one in received(self)],
    )
    (sentence,) = library.drain().left
    assert sentence.endswith("stays in the queue: SQS does not delete it (ReceiptHandleIsInvalid).")
    assert set(library.markers()) == {"a.jpg"}
    assert library.left() == 1


def test_a_marker_that_cannot_be_written_keeps_its_message(library: Library) -> None:
    library.upload("maps/a.jpg")
    drained = library.drain(Failing(library.store, StoreError("The disk is full.")))  # type: ignore[arg-type]
    assert drained.marked == 0
    assert drained.left[0].endswith("its marker cannot be written: The disk is full.")
    assert library.left() == 1


@pytest.mark.parametrize("error", [Unavailable("It does not answer."), Denied("It refuses.")])
def test_a_store_that_is_out_of_reach_ends_the_drain_and_the_next_one_finds_all(
    library: Library, error: StoreError
) -> None:
    for number in range(12):
        library.upload(f"maps/{number}.jpg")
    with pytest.raises(type(error)):
        library.drain(Failing(library.store, error))  # type: ignore[arg-type]
    assert library.drain() == Drained(12, 0, 0, ()), "at once, and not when SQS would give them out again"


def test_a_drain_ends_in_time_however_many_messages_come(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "_LONGEST", -1)
    library.upload("maps/a.jpg")
    assert "waits for the next one" in library.drain().left[0]
    assert library.left() == 1


def test_a_queue_that_is_none_is_bad_input(library: Library) -> None:
    with pytest.raises(BadInput, match=r"there is no such queue; create it, or correct DARKROOM_SCAN_QUEUE\."):
        drain(f"{library.url}-2", library.sources, library.store)
    with pytest.raises(BadInput, match="no such queue"):
        waiting(f"{library.url}-2")


def test_a_queue_out_of_reach_is_unavailable(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9")
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    with pytest.raises(Unavailable, match="SQS is out of reach: Could not connect"):
        waiting(library.url)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (403, "AccessDeniedException", Denied),
        (400, "InvalidClientTokenId", Denied),
        (403, "SignatureDoesNotMatch", Denied),
        (403, "ExpiredTokenException", Unavailable),
        (400, "KmsThrottled", Unavailable),
        (400, "InvalidParameterValue", StoreError),
    ],
)
def test_what_sqs_refuses_is_said_by_what_it_means(
    library: Library, monkeypatch: pytest.MonkeyPatch, status: int, code: str, error: type[Exception]
) -> None:
    from botocore.awsrequest import AWSResponse

    class Raw:
        def stream(self) -> Iterator[bytes]:
            yield json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": "with the token s3cr3t"}).encode()

    def answer(self: object, request: Any) -> AWSResponse:
        return AWSResponse(request.url, status, {"Content-Type": "application/x-amz-json-1.0"}, Raw())

    monkeypatch.setattr("botocore.httpsession.URLLib3Session.send", answer)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    with pytest.raises(error, match=code) as caught:
        waiting(library.url)
    assert type(caught.value) is error
    assert "s3cr3t" not in str(caught.value)


def test_without_credentials_it_is_the_settings_that_are_wrong(
    library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(BadInput, match="the AWS settings cannot be used: Unable to locate credentials"):
        waiting(library.url)


def test_the_region_is_the_queues_own() -> None:
    made = queue._Queue("https://sqs.eu-west-1.amazonaws.com/123456789012/uploads", NO_ACCESS)
    assert made._client.meta.region_name == "eu-west-1"


def _until_received_again(library: Library) -> None:
    end = time.monotonic() + 10
    while not waiting(library.url):
        assert time.monotonic() < end
        time.sleep(0.05)
