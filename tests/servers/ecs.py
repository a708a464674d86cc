"""ECS as far as an operator sees it: its own protocol over HTTP, and tasks that really run, as processes.

A task has the credentials of its "role" only (`Ecs.role`), so what a request must not carry is not there either.
(https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html and the pages beside it)
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3

_TARGET = "AmazonEC2ContainerServiceV20141113."
_ARN = "arn:aws:ecs:us-east-1:123456789012:"
CLUSTER, CONTAINER, LOG_GROUP, LOG_PREFIX = "studio", "worker", "/darkroom/imaging", "darkroom"
_GRACE = 5  # seconds from SIGTERM to SIGKILL; ECS has 30

Document = dict[str, Any]


class Refused(Exception):
    """An error of the API, by its name."""


@dataclass
class Task:
    """One task: what the API says of it, and its process."""

    document: Document
    process: subprocess.Popen[bytes] | None = None
    why: Document = field(default_factory=dict)
    """What is said of its end where that is not its worker's own."""

    @property
    def command(self) -> list[str]:
        command: list[str] = self.document["overrides"]["containerOverrides"][0]["command"]
        return command


class Ecs:
    """The service, and what a test wants of it."""

    def __init__(self, role: Mapping[str, str]) -> None:
        self.role = dict(role)
        self.tasks: dict[str, Task] = {}
        self.requests: list[tuple[str, Document]] = []
        self.program = [sys.executable, "-m", "darkroom"]
        self.families = {"darkroom-imaging"}
        self.network_mode = "bridge"
        self.no_room = ""
        """Why the next `RunTask` starts nothing."""
        self.no_start = ""
        """Why the next task fails to start after it was taken on."""
        self.answers = threading.Event()
        """While this is not set, a task that shall run is started, but nobody is told."""
        self.answers.set()
        self._lock = threading.RLock()
        self._followers: list[threading.Thread] = []

    def running(self) -> list[Task]:
        """The tasks whose process lives."""
        return [task for task in self.tasks.values() if task.process and task.process.poll() is None]

    def interrupt(self, task: Task) -> None:
        """Take the task's spot machine away."""
        task.why = {"stopCode": "SpotInterruption", "stoppedReason": "Your Spot Task was interrupted."}
        self._end(task)

    def forget(self) -> None:
        """What ECS does with stopped tasks after an hour."""
        self.tasks.clear()

    def close(self) -> None:
        """End every process."""
        self.answers.set()
        for task in self.running():
            self._end(task)
        for follower in self._followers:
            follower.join(30)

    # --- the API

    def DescribeTaskDefinition(self, asked: Document) -> Document:
        name = asked["taskDefinition"].rpartition("/")[2].partition(":")[0]
        if name not in self.families:
            raise Refused("ClientException", "Unable to describe task definition.")
        options = {"awslogs-group": LOG_GROUP, "awslogs-region": "us-east-1", "awslogs-stream-prefix": LOG_PREFIX}
        container = {"name": CONTAINER, "image": "darkroom-imaging", "essential": True}
        container["logConfiguration"] = {"logDriver": "awslogs", "options": options}  # type: ignore[assignment]
        return {
            "taskDefinition": {
                "taskDefinitionArn": f"{_ARN}task-definition/{name}:3",
                "family": name,
                "revision": 3,
                "networkMode": self.network_mode,
                "containerDefinitions": [container],
            }
        }

    def RunTask(self, asked: Document) -> Document:
        self._require_cluster(asked)
        definition = self.DescribeTaskDefinition(asked)["taskDefinition"]
        if self.network_mode == "awsvpc" and "networkConfiguration" not in asked:
            raise Refused("InvalidParameterException", "Network Configuration must be provided.")
        if self.no_room:
            reason, self.no_room = self.no_room, ""
            return {"tasks": [], "failures": [{"arn": f"{_ARN}container-instance/{CLUSTER}/1", "reason": reason}]}
        arn = f"{_ARN}task/{CLUSTER}/{uuid.uuid4().hex}"
        document: Document = {
            "taskArn": arn,
            "clusterArn": f"{_ARN}cluster/{CLUSTER}",
            "taskDefinitionArn": definition["taskDefinitionArn"],
            "desiredStatus": "RUNNING",
            "lastStatus": "PROVISIONING",
            "overrides": asked["overrides"],
            "startedBy": asked.get("startedBy", ""),
            "cpu": asked["overrides"]["cpu"],
            "memory": asked["overrides"]["memory"],
            "createdAt": time.time(),
            "containers": [{"name": CONTAINER, "taskArn": arn, "lastStatus": "PENDING"}],
        }
        task = self.tasks[arn] = Task(document)
        if self.no_start:
            reason, self.no_start = self.no_start, ""
            document |= {"stopCode": "TaskFailedToStart", "stoppedReason": reason}
            self._stopped(task)
        else:
            self._start(task)
        return {"tasks": [document], "failures": []}

    def DescribeTasks(self, asked: Document) -> Document:
        self._require_cluster(asked)
        known = [self.tasks[arn].document for arn in asked["tasks"] if arn in self.tasks]
        failures = [{"arn": arn, "reason": "MISSING"} for arn in asked["tasks"] if arn not in self.tasks]
        return {"tasks": known, "failures": failures}

    def ListTasks(self, asked: Document) -> Document:
        self._require_cluster(asked)
        wanted = {name: asked[name] for name in ("desiredStatus", "startedBy") if name in asked}
        family = f"/{asked['family']}:" if "family" in asked else ""
        return {
            "taskArns": [
                arn
                for arn, task in self.tasks.items()
                if wanted.items() <= task.document.items() and family in task.document["taskDefinitionArn"]
            ]
        }

    def StopTask(self, asked: Document) -> Document:
        self._require_cluster(asked)
        task = self.tasks.get(asked["task"])
        if task is None:
            raise Refused("InvalidParameterException", "The referenced task was not found.")
        if task.process and task.process.poll() is None:
            task.why = {"stopCode": "UserInitiated", "stoppedReason": asked.get("reason", "")}
            self._end(task)
        return {"task": task.document}

    def answer(self, action: str, asked: Document) -> Document:
        """Do what is asked, and remember it."""
        with self._lock:
            self.requests.append((action, asked))
            if action not in ("DescribeTaskDefinition", "RunTask", "DescribeTasks", "ListTasks", "StopTask"):
                raise Refused("InvalidAction", action)
            answer: Document = json.loads(json.dumps(getattr(self, action)(asked)))
        if action == "RunTask":
            self.answers.wait(60)
        return answer

    # --- its machines

    def _start(self, task: Task) -> None:
        worker = task.document["overrides"]["containerOverrides"][0]
        own = {name: os.environ[name] for name in ("PATH", "HOME", "NUMBA_CACHE_DIR") if name in os.environ}
        given = {entry["name"]: entry["value"] for entry in worker["environment"]}
        task.process = subprocess.Popen(
            [*self.program, *worker["command"]],
            env=own | self.role | given | {"PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        task.document["lastStatus"] = task.document["containers"][0]["lastStatus"] = "RUNNING"
        follower = threading.Thread(target=self._follow, args=(task, task.process), daemon=True)
        self._followers.append(follower)
        follower.start()

    def _follow(self, task: Task, process: subprocess.Popen[bytes]) -> None:
        log = _Log(self.role, task.document["taskArn"])
        for line in process.stdout or ():
            log.write(line.decode(errors="backslashreplace").rstrip())
        code = process.wait()
        container = task.document["containers"][0]
        container["exitCode"] = code if code >= 0 else 128 - code
        if code == -signal.SIGKILL and not task.why:
            container["reason"] = "OutOfMemoryError: Container killed due to memory usage"
        task.document |= {"stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited"}
        self._stopped(task)

    def _stopped(self, task: Task) -> None:
        task.document |= task.why
        task.document["desiredStatus"] = "STOPPED"
        task.document["containers"][0]["lastStatus"] = "STOPPED"
        task.document["lastStatus"] = "STOPPED"  # the last: from here on it is over

    def _end(self, task: Task) -> None:
        task.document["desiredStatus"] = "STOPPED"
        process = task.process
        assert process
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        killer = threading.Timer(_GRACE, _kill, [process])
        killer.daemon = True
        killer.start()

    def _require_cluster(self, asked: Document) -> None:
        if asked["cluster"].rpartition("/")[2] != CLUSTER:
            raise Refused("ClusterNotFoundException", "Cluster not found.")


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


class _Log:
    """A task's stream in CloudWatch, as the log driver `awslogs` writes it."""

    def __init__(self, role: Mapping[str, str], arn: str) -> None:
        self._client = boto3.client(
            "logs",
            endpoint_url=role["AWS_ENDPOINT_URL"],
            aws_access_key_id=role["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=role["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        )
        self._place: Any = {
            "logGroupName": LOG_GROUP,
            "logStreamName": f"{LOG_PREFIX}/{CONTAINER}/{arn.rpartition('/')[2]}",
        }
        with suppress(self._client.exceptions.ResourceAlreadyExistsException):
            self._client.create_log_group(logGroupName=LOG_GROUP)
        self._client.create_log_stream(**self._place)

    def write(self, line: str) -> None:
        event: Any = {"timestamp": int(time.time() * 1000), "message": line or " "}
        self._client.put_log_events(**self._place, logEvents=[event])


@contextmanager
def ecs(role: Mapping[str, str]) -> Iterator[tuple[Ecs, str]]:
    """A fresh ECS with the cluster `studio`, and where it answers; ends what it has started."""
    service = Ecs(role)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert "/ecs/aws4_request" in self.headers["Authorization"]
            try:
                action = self.headers["X-Amz-Target"].removeprefix(_TARGET)
                status, answer = 200, service.answer(action, json.loads(body))
            except Refused as refused:
                status, answer = 400, {"__type": refused.args[0], "message": refused.args[1]}
            content = json.dumps(answer).encode()
            with suppress(BrokenPipeError, ConnectionResetError):
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service, f"http://127.0.0.1:{server.server_port}"
    finally:
        service.close()
        server.shutdown()
        server.server_close()
