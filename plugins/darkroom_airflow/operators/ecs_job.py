"""`run` as a task on ECS, on Fargate or on the cluster's own machines."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NoReturn

from airflow.providers.amazon.aws.exceptions import EcsOperatorError
from airflow.providers.amazon.aws.hooks.ecs import EcsHook
from airflow.providers.amazon.aws.hooks.logs import AwsLogsHook
from airflow.providers.amazon.aws.operators.ecs import EcsRunTaskOperator
from airflow.providers.amazon.aws.utils import validate_execute_complete_event
from airflow.providers.amazon.aws.utils.identifiers import generate_uuid
from airflow.sdk import Context
from airflow.sdk.exceptions import TaskDeferralError, TaskDeferralTimeout
from botocore.exceptions import BotoCoreError, ClientError

from darkroom.amounts import human_bytes
from darkroom.machines import MACHINES
from darkroom.settings import settings
from darkroom_airflow import ecs_documents
from darkroom_airflow.credentials import AWS_CONNECTION, StoreAccess
from darkroom_airflow.ecs_documents import Definition
from darkroom_airflow.operators.jobs import JOB_FIELDS, check_exit, job_command
from darkroom_airflow.refusals import refusals_are_final
from darkroom_airflow.task_logs import crashed, refused
from darkroom_airflow.triggers import KILLED, EcsWorkerTrigger
from darkroom_airflow.worker_process import settings_for_workers
from darkroom_airflow.xcoms import sentences

log = logging.getLogger(__name__)

_POLL = 15  # seconds between two looks at a task: ECS limits how often an account may look at 256 of them
_MOST_LINES = 40
# what ECS says no to today and tomorrow
_FINAL = (
    *("AccessDeniedException", "BlockedException", "ClientException", "ClusterNotFoundException"),
    *("InvalidParameterException", "InvalidSignatureException", "UnrecognizedClientException"),
    *("PlatformTaskDefinitionIncompatibilityException", "PlatformUnknownException", "UnsupportedFeatureException"),
)


class EcsJobOperator(EcsRunTaskOperator):
    """Runs a job's worker as an ECS task of the size of machine that the job asks for, and sleeps until its end.

    Cluster, task definition, capacity providers and network are the deployment's settings; the worker is the first
    container of the definition, which also says where its log lies. Its credentials are the definition's role and
    secrets, and a deployment may have a definition for each DAG (`ecs_documents.of_dag`): only the command, the size
    and plain settings are part of the request. A later try of the Airflow task takes up an ECS task that still does the
    same job.
    """

    template_fields: Sequence[str] = JOB_FIELDS

    def __init__(self, *, job_uri: str, job_label: str, machine: str = "small", **kwargs: Any) -> None:
        chosen = settings()
        super().__init__(
            cluster=chosen.ecs_cluster,
            task_definition=chosen.ecs_task_definition,
            overrides={},  # the job's, once it is known
            launch_type="",  # the capacity providers say it, or the cluster's default does
            capacity_provider_strategy=ecs_documents.capacity_providers(chosen.ecs_capacity_providers),
            aws_conn_id=AWS_CONNECTION,
            reattach=True,
            deferrable=True,
            waiter_delay=_POLL,
            do_xcom_push=False,
            **kwargs,
        )
        self.job_uri, self.job_label, self.machine = job_uri, job_label, machine

    def execute(self, context: Context) -> None:
        """Start the ECS task, or find the one that was started before, and leave the rest to the trigger."""
        machine = MACHINES[self.machine]
        self.task_definition = ecs_documents.of_dag(self.task_definition, context["ti"].dag_id)
        with self._refusals():
            definition = self._definition(self.task_definition)
        self.overrides = ecs_documents.overrides(
            definition,
            machine,
            job_command(self.job_uri, program=()),
            settings_for_workers() | machine.worker_settings,
        )
        self.network_configuration = self._network(definition)
        self.container_name = definition.container
        if definition.log_group and definition.log_prefix:
            self.awslogs_group, self.awslogs_stream_prefix = definition.log_group, definition.log_prefix
            self.awslogs_region = definition.log_region or None
        else:
            self.log.info("The worker's lines stay on ECS: %s has no log driver awslogs.", self.task_definition)
        self.log.info("%s: an ECS task of size %s; its job: %s", self.job_label, self.machine, self.job_uri)
        with self._refusals():
            super().execute(context)  # type: ignore[no-untyped-call]

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> None:
        """Judge how the ECS task ended."""
        ended = validate_execute_complete_event(event)
        self.task_definition = ecs_documents.of_dag(self.task_definition, context["ti"].dag_id)
        self.arn, self.cluster = ended["task_arn"], ended["cluster"]
        with refusals_are_final(), self._refusals():
            self._check_success_task()
        self.log.info("%s: %s is done.", self.job_label, self.arn)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Go on after the wait; where that ended without an answer and no try will take it up, stop the ECS task."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except TaskDeferralTimeout:
            self._stop_what_runs(context)
            raise crashed(
                f"{self.job_label}: the worker was stopped, as it took longer than {self.execution_timeout}; what it "
                "had made is kept, the next try does the rest."
            ) from None
        except TaskDeferralError:
            if context["ti"].try_number > context["ti"].max_tries:
                self._stop_what_runs(context)
            raise

    def defer(
        self, *, trigger: Any, method_name: str, kwargs: dict[str, Any] | None = None, timeout: Any = None
    ) -> NoReturn:
        """Wait with a trigger that stops what it waits for when it is killed, at most as long as the task may take."""
        limit: timedelta | None = self.execution_timeout or timeout
        _, arguments = trigger.serialize()
        super().defer(trigger=EcsWorkerTrigger(**arguments), method_name=method_name, kwargs=kwargs, timeout=limit)

    @property
    def _ecs(self) -> Any:
        return self.client  # botocore makes its methods when it runs

    def _definition(self, name: str) -> Definition:
        return Definition.read(self._ecs.describe_task_definition(taskDefinition=name)["taskDefinition"])

    def _network(self, definition: Definition) -> dict[str, Any] | None:
        chosen = settings()
        if definition.network_mode != "awsvpc":
            return None
        if not chosen.ecs_subnets.strip():
            raise refused(
                f"The task definition {self.task_definition} has the network mode awsvpc, and DARKROOM_ECS_SUBNETS is "
                "empty; name the subnets in which the workers shall run."
            )
        return ecs_documents.network_configuration(chosen.ecs_subnets, chosen.ecs_security_groups, chosen.ecs_public_ip)

    def _start_task(self) -> None:
        try:
            super()._start_task()  # type: ignore[no-untyped-call]
        except EcsOperatorError as error:
            reasons = [f"{failure.get('reason')} {failure.get('detail', '')}".strip() for failure in error.failures]
            raise crashed(
                f"{self.job_label}: ECS has no machine for the worker now: {', '.join(sentences(reasons))}."
            ) from None

    def _try_reattach_task(self, started_by: str) -> None:
        for task in self._tasks_of(started_by):
            if ecs_documents.job_of(task) == self.job_uri:
                self.arn = task["taskArn"]
                self.log.info("An earlier try has started %s, which still does this job: waiting for it.", self.arn)
            else:
                self.log.info("%s does a job of another plan: left alone.", task["taskArn"])

    def _tasks_of(self, started_by: str) -> list[dict[str, Any]]:
        """The ECS tasks that this Airflow task has started and that shall still run."""
        listed = self._ecs.list_tasks(cluster=self.cluster, desiredStatus="RUNNING", startedBy=started_by)
        arns = listed["taskArns"]
        found: list[dict[str, Any]] = (
            self._ecs.describe_tasks(cluster=self.cluster, tasks=arns)["tasks"] if arns else []
        )
        return found

    def _stop_what_runs(self, context: Context) -> None:
        ti = context["ti"]
        # as the provider makes it
        started_by = generate_uuid(*map(str, [ti.dag_id, ti.task_id, ti.run_id, ti.map_index]))
        for task in self._tasks_of(started_by):
            if ecs_documents.job_of(task) == self.job_uri:
                self.log.info("Stopping %s.", task["taskArn"])
                self._ecs.stop_task(cluster=self.cluster, task=task["taskArn"], reason=KILLED)

    def _check_success_task(self) -> None:
        found = self._ecs.describe_tasks(cluster=self.cluster, tasks=[self.arn])["tasks"]
        if not found:
            raise crashed(f"{self.job_label}: ECS does not know {self.arn} any more; the next try looks anew.")
        definition = self._definition(found[0]["taskDefinitionArn"])
        code, ending = ecs_documents.how_it_ended(found[0], definition)
        with StoreAccess() as stores:
            check_exit(
                code,
                label=self.job_label,
                job_uri=self.job_uri,
                access=stores.reach(self.job_uri),
                last_lines=self._last_lines(definition),
                ending=ending and f"{ending} (size {self.machine}, {human_bytes(MACHINES[self.machine].memory)})",
            )

    def _last_lines(self, definition: Definition) -> Iterator[str]:
        """The end of the worker's log; asked for only where somebody wants to read it."""
        if not definition.log_group:
            return
        region = definition.log_region or self.region_name
        logs: Any = AwsLogsHook(aws_conn_id=self.aws_conn_id, region_name=region).conn
        try:
            events = logs.get_log_events(
                logGroupName=definition.log_group,
                logStreamName=definition.log_stream(str(self.arn)),
                limit=_MOST_LINES,
                startFromHead=False,
            )["events"]
        except (ClientError, BotoCoreError) as error:
            yield f"Its log cannot be read: {error}"
            return
        yield from (event["message"] for event in events)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """What AWS refuses for good fails the task for good, in a sentence."""
        try:
            yield
        except ClientError as error:
            said = error.response.get("Error", {})
            end = refused if said.get("Code") in _FINAL else crashed
            raise end(
                f"{self.job_label}: {error.operation_name} on the cluster {self.cluster} with {self.task_definition} "
                f"is refused: {said.get('Message')} ({said.get('Code')})"
            ) from None


def stop_workers_of(plan_uri: str, dag_id: str) -> None:
    """Stop the ECS tasks that work on a DAG's plan all of whose Airflow tasks have ended.

    There are some where an Airflow task was ended after it fell asleep and before the triggerer first looked at it, or
    while that still looked for its connection: Airflow then tells nobody.
    """
    cluster, name = settings().ecs_cluster, ecs_documents.of_dag(settings().ecs_task_definition, dag_id)
    client: Any = EcsHook(aws_conn_id=AWS_CONNECTION).conn
    wanted = {"cluster": cluster, "family": ecs_documents.family(name), "desiredStatus": "RUNNING"}
    try:
        for page in client.get_paginator("list_tasks").paginate(**wanted):
            arns = page["taskArns"]
            for task in client.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else ():
                if ecs_documents.job_of(task).startswith(f"{plan_uri}/"):
                    log.warning("%s still works on this plan, and nobody waits for it: it is stopped.", task["taskArn"])
                    client.stop_task(cluster=cluster, task=task["taskArn"], reason=KILLED)
    except (ClientError, BotoCoreError) as error:
        log.warning("Whether workers were left behind on ECS cannot be seen: %s", error)
