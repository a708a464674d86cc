"""What the ECS operator asks for and is answered, as pure functions over the API's documents.

(API_TaskDefinition.html, API_TaskOverride.html and API_Task.html in
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from darkroom.machines import Machine

_CPU = 1024  # ECS counts a CPU in as many units
_MIB = 1 << 20
_FINAL = (0, 1, 2)  # codes that a worker ends with by itself
_NO_CODE = 255


@dataclass(frozen=True, slots=True)
class Definition:
    """What of a task definition matters here. The worker is its first container."""

    container: str
    network_mode: str
    log_group: str = ""
    log_region: str = ""
    log_prefix: str = ""

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Definition":
        """Of `DescribeTaskDefinition`. Without the log driver `awslogs`, no place of a log is known."""
        worker = document["containerDefinitions"][0]
        logs = worker.get("logConfiguration") or {}
        options = logs.get("options") or {} if logs.get("logDriver") == "awslogs" else {}
        return cls(
            worker["name"],
            document.get("networkMode", ""),
            options.get("awslogs-group", ""),
            options.get("awslogs-region", ""),
            options.get("awslogs-stream-prefix", ""),
        )

    def log_stream(self, arn: str) -> str:
        """The stream of a task's worker, as the log driver names it."""
        return f"{self.log_prefix}/{self.container}/{arn.rpartition('/')[2]}"


def overrides(
    definition: Definition, machine: Machine, command: Sequence[str], environment: Mapping[str, str]
) -> dict[str, Any]:
    """What of the task definition is different for one job. ECS logs it: there must be no secret in it."""
    return {
        "cpu": str(machine.cpus * _CPU),
        "memory": str(machine.memory // _MIB),
        "containerOverrides": [
            {
                "name": definition.container,
                "command": list(command),
                "environment": [{"name": name, "value": value} for name, value in sorted(environment.items())],
            }
        ],
    }


def network_configuration(subnets: str, security_groups: str, public_ip: bool) -> dict[str, Any]:
    """The network of a task of its own address (`awsvpc`), from lists with commas."""
    network: dict[str, Any] = {"subnets": _listed(subnets), "assignPublicIp": "ENABLED" if public_ip else "DISABLED"}
    if groups := _listed(security_groups):
        network["securityGroups"] = groups
    return {"awsvpcConfiguration": network}


def capacity_providers(text: str) -> list[dict[str, Any]]:
    """`FARGATE_SPOT=4, FARGATE=1` as ECS takes it; the weight is 1 where none is given."""
    strategy = []
    for entry in _listed(text):
        name, _, weight = entry.partition("=")
        strategy.append({"capacityProvider": name.strip(), "weight": int(weight or 1)})
    return strategy


def of_dag(task_definition: str, dag_id: str) -> str:
    """The task definition of a DAG, where the deployment has one for each, with roles and secrets of its own.

    >>> of_dag("studio-{dag}", "render_ingest")
    'studio-render_ingest'
    """
    return task_definition.replace("{dag}", dag_id)


def family(task_definition: str) -> str:
    """The family of a task definition that is given as such, with a revision, or as an ARN."""
    return task_definition.rpartition("/")[2].partition(":")[0]


def job_of(task: Mapping[str, Any]) -> str:
    """The job that a task's command names; empty where it names none."""
    containers = (task.get("overrides") or {}).get("containerOverrides") or [{}]
    return str((containers[0].get("command") or [""])[-1])


def how_it_ended(task: Mapping[str, Any], definition: Definition) -> tuple[int, str]:
    """A stopped task's exit code, and what it does not say: why the worker did not come to an end of its own."""
    containers: Sequence[Mapping[str, Any]] = task.get("containers", ())
    worker = next((one for one in containers if one["name"] == definition.container), {})
    code: int = worker.get("exitCode", _NO_CODE)
    said = worker.get("reason") or task.get("stoppedReason") or "ECS says no reason"
    if code in _FINAL:
        return code, ""
    match task.get("stopCode", ""):
        case "TaskFailedToStart":
            return code, f"could not be started ({said})"
        case "SpotInterruption" | "TerminationNotice":
            return code, f"lost its machine ({said})"
        case "EssentialContainerExited" if said.startswith("OutOfMemory"):
            return code, "needed more memory than it has and was killed"
        case "EssentialContainerExited" if "exitCode" in worker:
            return code, ""
    return code, f"was stopped ({said})"


def _listed(text: str) -> list[str]:
    return [entry for part in text.split(",") if (entry := part.strip())]
