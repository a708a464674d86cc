"""What a recorded request needs to be allowed: HTTP as the services speak it, in IAM's words.

(https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html and the pages beside it)
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote
from xml.sax.saxutils import unescape

from tests.infra.iam import Call
from tests.infra.recorded_moto import Recorded
from tests.infra.stack import ACCOUNT, REGION

_KEY = re.compile(r"<Key>([^<]*)</Key>")
_TLS = {"aws:SecureTransport": "true"}
_BATCHES = {"DeleteMessageBatch": "DeleteMessage", "ChangeMessageVisibilityBatch": "ChangeMessageVisibility"}
_PASSED_TO = {"iam:PassedToService": "ecs-tasks.amazonaws.com"}


class Unknown(ValueError):
    """A request of which this module does not know what right it needs."""


def calls(request: Recorded) -> list[Call]:
    """The rights that a request needs, all of them. As if it had come by TLS, as to AWS it does."""
    match request.service:
        case "s3":
            return list(_s3(request))
        case "sqs":
            return [_sqs(request)]
        case "logs":
            return [_logs(request)]
        case "sns":
            return [_sns(request)]
    raise Unknown(f"{request.service}: {request.method} {request.path}")


def _s3(request: Recorded) -> Iterator[Call]:
    bucket, _, key = unquote(request.path).lstrip("/").partition("/")
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    if not key:
        yield from _bucket(request, bucket, query)
        return
    if not set(query) <= {"uploads", "uploadId", "partNumber", "x-id", "versionId"}:
        raise Unknown(f"{request.method} {request.path}?{request.query}")
    if {"x-amz-acl", "x-amz-tagging"} & request.headers.keys():
        raise Unknown(f"{request.method} {request.path} with {request.headers}")
    match request.method:
        case "GET" if query.keys() - {"x-id"} == {"versionId"}:
            yield _object("GetObjectVersion", bucket, key)
        case "GET" | "HEAD" if not query.keys() - {"x-id"}:
            yield _object("GetObject", bucket, key)
            if request.status == 404:  # who may not list is told "forbidden" instead
                yield _listing(bucket, {})
        case "PUT" | "POST" if "versionId" not in query:
            yield _object("PutObject", bucket, key)
            if "if-match" in request.headers:
                yield _object("GetObject", bucket, key)
            if source := request.headers.get("x-amz-copy-source"):
                there, _, of = unquote(source).lstrip("/").partition("/")
                yield _object("GetObject", there, of)
        case "DELETE" if "uploadId" in query:
            yield _object("AbortMultipartUpload", bucket, key)
        case "DELETE" if "versionId" not in query:
            yield _object("DeleteObject", bucket, key)
            if "if-match" in request.headers:
                yield _object("GetObject", bucket, key)
        case _:
            raise Unknown(f"{request.method} {request.path}?{request.query}")


def _bucket(request: Recorded, bucket: str, query: Mapping[str, str]) -> Iterator[Call]:
    if request.method == "GET" and query.get("list-type") == "2":
        yield _listing(bucket, {"s3:prefix": query["prefix"]} if "prefix" in query else {})
    elif request.method == "HEAD":
        yield _listing(bucket, {})
    elif request.method == "GET" and "versions" in query:
        yield Call("s3:ListBucketVersions", f"arn:aws:s3:::{bucket}", {**_TLS, "s3:prefix": query.get("prefix", "")})
    elif request.method == "GET" and "uploads" in query:
        yield Call("s3:ListBucketMultipartUploads", f"arn:aws:s3:::{bucket}", _TLS)
    elif request.method == "POST" and "delete" in query:
        for key in _KEY.findall(request.body.encode("latin-1").decode()):
            yield _object("DeleteObject", bucket, unescape(key))
    else:
        raise Unknown(f"{request.method} {request.path}?{request.query}")


def _object(action: str, bucket: str, key: str) -> Call:
    return Call(f"s3:{action}", f"arn:aws:s3:::{bucket}/{key}", _TLS)


def _listing(bucket: str, context: Mapping[str, str]) -> Call:
    return Call("s3:ListBucket", f"arn:aws:s3:::{bucket}", {**_TLS, **context})


def _sqs(request: Recorded) -> Call:
    action = request.headers["x-amz-target"].partition(".")[2]
    queue = json.loads(request.body)["QueueUrl"].rpartition("/")[2]
    return Call(f"sqs:{_BATCHES.get(action, action)}", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}", _TLS)


def _logs(request: Recorded) -> Call:
    action, asked = request.headers["x-amz-target"].partition(".")[2], json.loads(request.body)
    stream = f"log-group:{asked['logGroupName']}:log-stream:{asked.get('logStreamName', '')}"
    return Call(f"logs:{action}", f"arn:aws:logs:{REGION}:{ACCOUNT}:{stream}", _TLS)


def _sns(request: Recorded) -> Call:
    asked = dict(parse_qsl(request.body))
    return Call(f"sns:{asked['Action']}", asked.get("TopicArn") or asked["TargetArn"], _TLS)


def of_ecs(action: str, asked: Mapping[str, Any], roles: Mapping[str, list[str]]) -> list[Call]:
    """The rights that a request to ECS needs; `roles` are the ARNs of those of each family of definitions."""
    arn = f"arn:aws:ecs:{REGION}:{ACCOUNT}:"
    name = asked.get("cluster", "").rpartition("/")[2]
    context = {**_TLS, "ecs:cluster": f"{arn}cluster/{name}"}
    match action:
        case "RunTask":
            family = asked["taskDefinition"].rpartition("/")[2].partition(":")[0]
            passed = [Call("iam:PassRole", role, {**_TLS, **_PASSED_TO}) for role in roles[family]]
            return [Call("ecs:RunTask", f"{arn}task-definition/{family}:1", context), *passed]
        case "DescribeTasks":
            return [Call("ecs:DescribeTasks", task, context) for task in asked["tasks"]]
        case "StopTask":
            return [Call("ecs:StopTask", asked["task"], context)]
        case "ListTasks":
            return [Call("ecs:ListTasks", f"{arn}container-instance/{name}/1", context)]
        case "DescribeTaskDefinition":
            return [Call("ecs:DescribeTaskDefinition", "*", _TLS)]
    raise Unknown(f"ECS: {action}")
