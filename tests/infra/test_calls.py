"""From requests as they come over HTTP to the rights that they need."""

from typing import Any

import pytest

from tests.infra.calls import Unknown, calls, of_ecs
from tests.infra.recorded_moto import Recorded


def request(method: str, path: str, query: str = "", status: int = 200, body: str = "", **headers: str) -> Recorded:
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return Recorded("somebody", "s3", method, path, query, said, body, status)


def needed(*given: Any, **more: Any) -> list[str]:
    return [str(call).replace("arn:aws:s3:::", "") for call in calls(request(*given, **more))]


def test_reading_and_looking_are_one_right_and_what_is_not_there_needs_another() -> None:
    assert needed("GET", "/b/a%20b/%C3%BC.png") == ["s3:GetObject on b/a b/ü.png"]
    assert needed("HEAD", "/b/a") == ["s3:GetObject on b/a"]
    assert needed("HEAD", "/b/a", status=404) == ["s3:GetObject on b/a", "s3:ListBucket on b"]


def test_a_write_over_a_version_needs_to_read_it() -> None:
    assert needed("PUT", "/b/a") == ["s3:PutObject on b/a"]
    assert needed("PUT", "/b/a", if_match='"1"') == ["s3:PutObject on b/a", "s3:GetObject on b/a"]
    assert needed("DELETE", "/b/a", if_match='"1"') == ["s3:DeleteObject on b/a", "s3:GetObject on b/a"]
    assert needed("PUT", "/b/a", x_amz_copy_source="/c/d%2Be") == ["s3:PutObject on b/a", "s3:GetObject on c/d+e"]


def test_an_upload_in_parts_is_a_write_until_it_is_given_up() -> None:
    assert needed("POST", "/b/a", "uploads=") == ["s3:PutObject on b/a"]
    assert needed("PUT", "/b/a", "partNumber=1&uploadId=u") == ["s3:PutObject on b/a"]
    assert needed("POST", "/b/a", "uploadId=u") == ["s3:PutObject on b/a"]
    assert needed("DELETE", "/b/a", "uploadId=u") == ["s3:AbortMultipartUpload on b/a"]
    assert needed("GET", "/b", "uploads=&prefix=x") == ["s3:ListBucketMultipartUploads on b"]


def test_a_batch_removes_each_of_its_objects() -> None:
    body = "<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c</Key></Object></Delete>"
    assert needed("POST", "/b", "delete=", body=body) == ["s3:DeleteObject on b/a&b", "s3:DeleteObject on b/c"]


def test_earlier_versions_are_rights_of_their_own() -> None:
    assert needed("GET", "/b", "versions=&prefix=a") == ["s3:ListBucketVersions on b"]
    assert needed("GET", "/b/a", "versionId=1") == ["s3:GetObjectVersion on b/a"]


def test_a_listing_says_its_prefix() -> None:
    (call,) = calls(request("GET", "/b", "list-type=2&prefix=work%2F"))
    assert (str(call), call.context["s3:prefix"]) == ("s3:ListBucket on arn:aws:s3:::b", "work/")


@pytest.mark.parametrize(
    "unknown",
    [
        request("GET", "/b/a", "tagging="),
        request("PUT", "/b/a", "versionId=1"),
        request("DELETE", "/b/a", "versionId=1"),
        request("PUT", "/b/a", x_amz_acl="public-read"),
        request("PUT", "/b", "policy="),
        request("PATCH", "/b/a"),
        Recorded("somebody", "sts", "POST", "/", "", {}, "", 200),
    ],
    ids=lambda one: f"{one.method} {one.path}?{one.query}",
)
def test_what_is_not_understood_is_never_passed_over(unknown: Recorded) -> None:
    with pytest.raises(Unknown):
        calls(unknown)


def test_a_batch_of_messages_needs_the_right_for_one() -> None:
    asked = Recorded(
        "somebody", "sqs", "POST", "/", "", {"x-amz-target": "AmazonSQS.DeleteMessageBatch"},
        '{"QueueUrl": "http://127.0.0.1:1/123456789012/scans"}', 200,
    )  # fmt: skip
    assert [str(call) for call in calls(asked)] == ["sqs:DeleteMessage on arn:aws:sqs:us-east-1:123456789012:scans"]


def test_a_worker_is_started_with_its_roles() -> None:
    asked = {"cluster": "studio", "taskDefinition": "studio-a:3"}
    run, *passed = of_ecs("RunTask", asked, {"studio-a": ["arn:aws:iam::1:role/a", "arn:aws:iam::1:role/execution"]})
    assert run.resource.endswith("task-definition/studio-a:1")
    assert run.context["ecs:cluster"].endswith("cluster/studio")
    assert [str(call) for call in passed] == [
        "iam:PassRole on arn:aws:iam::1:role/a",
        "iam:PassRole on arn:aws:iam::1:role/execution",
    ]
