"""Which rights the flows need, as they were seen to need them, and which ones their roles have."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.infra.calls import calls, of_ecs
from tests.infra.flows_on_aws import AIRFLOW, FLOWS, StudioOnAws
from tests.infra.iam import Call, Statement, allowed, read
from tests.infra.recorded_moto import Recorder, recorded_moto
from tests.infra.stack import Stack

Right = tuple[str, str, str]
"""A statement's name, one of its actions, one of its resources."""
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A deployed studio, and the calls of each role in it."""

    stack: Stack
    calls: dict[str, list[Call]]

    def statements(self, role: str) -> list[Statement]:
        return self.stack.statements(role)

    def of_buckets(self) -> list[Statement]:
        """The buckets' own policies, all of them."""
        policies = self.stack.of_type("AWS::S3::BucketPolicy").values()
        return [one for policy in policies for one in read(policy["PolicyDocument"], of_resource=True)]

    def may(self, role: str, call: Call) -> bool:
        return allowed(call, self.statements(role), self.of_buckets())

    def used(self, role: str) -> set[Right]:
        """The rights of a role that some call of it needed."""
        return {
            right
            for right, narrow in _rights(self.statements(role))
            if any(narrow.covers(call) for call in self.calls[role])
        }

    def rights(self, role: str) -> set[Right]:
        """Every right of a role."""
        return {right for right, _ in _rights(self.statements(role))}


def _rights(statements: Iterable[Statement]) -> Iterator[tuple[Right, Statement]]:
    for one in statements:
        for action in one.actions:
            for resource in one.resources:
                yield (one.sid, action, resource), replace(one, actions=(action,), resources=(resource,))


@contextmanager
def gathered(folder: Path) -> Iterator[Evidence]:
    """Deploy the template, run every flow, and read what was asked."""
    with recorded_moto() as recorder, pytest.MonkeyPatch.context() as patch:
        stack = Stack(recorder.server.endpoint)
        studio = StudioOnAws(recorder, stack, folder, patch)
        for flow in FLOWS.values():
            flow(studio)
        asked = _airflow(studio, folder)
        yield Evidence(stack, _by_role(recorder, stack, asked))


def _airflow(studio: StudioOnAws, folder: Path) -> list[tuple[str, dict[str, object]]]:
    """What Airflow asks of ECS; all else is in moto's record."""
    home, requests = folder / "airflow", folder / "ecs.json"
    home.mkdir()
    environment = {
        **os.environ,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__REMOTE_LOG_CONN_ID": "aws_default",
        "AIRFLOW_CONN_AWS_DEFAULT": "aws://",
        "AWS_ACCESS_KEY_ID": AIRFLOW,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")]),
    }
    ran = subprocess.run(
        [sys.executable, "-m", "tests.infra.airflow_on_aws", str(home), str(requests)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return [(action, document) for action, document in json.loads(requests.read_text())]


def _by_role(
    recorder: Recorder, stack: Stack, asked_of_ecs: list[tuple[str, dict[str, object]]]
) -> dict[str, list[Call]]:
    roles = {
        one["Family"]: [one["TaskRoleArn"], one["ExecutionRoleArn"]]
        for one in stack.of_type("AWS::ECS::TaskDefinition").values()
    }
    found: dict[str, dict[tuple[str, str], Call]] = {name: {} for name in (*FLOWS, AIRFLOW)}
    for request in recorder.requests():
        if request.who in found:
            for call in calls(request):
                found[request.who][call.action, call.resource] = call
    for action, document in asked_of_ecs:
        for call in of_ecs(action, document, roles):
            found[AIRFLOW][call.action, call.resource] = call
    return {role: list(of_role.values()) for role, of_role in found.items()}
