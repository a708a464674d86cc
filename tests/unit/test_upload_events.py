"""What messages say of uploads, in every form that they come in, and whose images those are."""

import json
from typing import Any

import pytest

from darkroom.pyramids.sources.queue import Said, Upload, said_by, source_of

SHAPE = "an event has not the form that S3's have"


def record(
    key: str = "maps/1890/a+b%2Bc+%C3%BC.jpg", event: str = "ObjectCreated:Put", **more: object
) -> dict[str, Any]:
    return {"eventName": event, "s3": {"bucket": {"name": "scans"}, "object": {"key": key, **more}}}


def body(*records: object) -> str:
    return json.dumps({"Records": records})


def bridged(kind: str = "Object Created", **of_object: object) -> str:
    detail = {"bucket": {"name": "scans"}, "object": {"key": "maps/a+b%2B.jpg", **of_object}}
    return json.dumps({"source": "aws.s3", "detail-type": kind, "detail": detail})


def test_a_key_is_decoded_as_s3_encodes_it_and_left_alone_where_it_does_not() -> None:
    upload = Upload("scans", "maps/1890/a b+c ü.jpg", "1", "0A")
    said = body(record(eTag="1", sequencer="0A"))
    assert said_by(said) == Said((upload,))
    assert said_by(json.dumps({"Type": "Notification", "Message": said})) == Said((upload,))
    assert said_by(bridged(etag="1", sequencer="0A")) == Said((Upload("scans", "maps/a+b%2B.jpg", "1", "0A"),))


@pytest.mark.parametrize(
    "said",
    [
        json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "scans"}),
        body(record(event="ObjectRemoved:Delete")),
        body(record(event="s3:ObjectTagging:Put")),
        body(record("maps/1890/", eTag="1")),
        body(record("maps/marker.json", eTag="1")),
        bridged("Object Deleted"),
    ],
)
def test_an_event_that_calls_for_no_marker_is_passed(said: str) -> None:
    assert said_by(said) == Said(passed=1)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "it is no event of S3"),
        ("no JSON", "it is no event of S3"),
        ("[" * 100_000, "it is no event of S3"),
        ("7", "it is no event of S3"),
        ('{"Records": []}', "it is no event of S3"),
        ('{"Type": "Notification", "Message": {"Records": []}}', "it is no event of S3"),
        (body("record"), SHAPE),
        (body({"eventName": "INSERT", "dynamodb": {}}), SHAPE),
        (body(record() | {"s3": {"bucket": {}, "object": {}}}), SHAPE),
        (body(record(key="")), "an event's bucket or key is none that S3 can hold"),
        (body(record(key="%C3%BC" * 600)), "an event's bucket or key is none that S3 can hold"),
        (bridged(key="\ud800"), "an event's key is no UTF-8"),
        (body(record("%FF.jpg")), "an event's key is no UTF-8"),
        (body(record(eTag=7)), "an event's ETag or sequencer is none"),
        (body(record(eTag="1" * 1000)), "an event's ETag or sequencer is none"),
        (json.dumps({"source": "aws.s3", "detail": []}), "an event has not the form that EventBridge's have"),
    ],
)
def test_what_is_not_understood_says_why(said: str, reason: str) -> None:
    assert said_by(said) == Said(reasons=(reason,))


def test_a_message_with_one_unknown_event_still_says_the_others() -> None:
    said = said_by(body(record("a.jpg"), {"x": 1}, record("b.jpg", "ObjectRemoved:Delete"), {"x": 2}))
    assert said == Said((Upload("scans", "a.jpg"),), passed=1, reasons=(SHAPE,))


@pytest.mark.parametrize(
    ("bucket", "key", "found"),
    [
        ("scans", "maps/1890/a.jpg", ("maps", "1890/a.jpg")),
        ("scans", "maps/old/a.jpg", ("old", "a.jpg")),
        ("scans", "maps-of-mars/a.jpg", None),
        ("scans", "maps", None),
        ("scans", "books/a.jpg", None),
        ("prints", "maps/old/a.jpg", ("prints", "maps/old/a.jpg")),
        ("prints-2", "a.jpg", None),
    ],
)
def test_an_upload_belongs_to_the_longest_place_that_holds_it(
    bucket: str, key: str, found: tuple[str, str] | None
) -> None:
    places = {"maps": "s3://scans/maps", "old": "s3://scans/maps/old", "prints": "s3://prints", "disk": "file:///scans"}
    assert source_of(Upload(bucket, key), places) == found
