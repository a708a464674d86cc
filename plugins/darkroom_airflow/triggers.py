"""What waits for a worker far away while no task is running."""

from collections.abc import AsyncIterator
from typing import Any

from airflow.providers.amazon.aws.hooks.ecs import EcsHook
from airflow.providers.amazon.aws.triggers.ecs import TaskDoneTrigger
from botocore.exceptions import BotoCoreError, ClientError

KILLED = "The Airflow task was ended."
"""Why ECS stopped a task, as its console shows it."""


class EcsWorkerTrigger(TaskDoneTrigger):
    """Waits for the end of an ECS task, and stops it where a person ends the Airflow task that waits."""

    async def run(self) -> AsyncIterator[Any]:
        """Fire once the worker's last lines are in the log too: with its event a trigger is over."""
        events = super().run()
        for event in [event async for event in events]:
            yield event

    async def on_kill(self) -> None:
        """Stop the ECS task: nobody waits for it any more."""
        hook = EcsHook(
            aws_conn_id=self.aws_conn_id, region_name=self.region_name, verify=self.verify, config=self.botocore_config
        )
        async with await hook.get_async_conn() as client:  # type: ignore[no-untyped-call]
            await client.stop_task(cluster=self.cluster, task=self.task_arn, reason=KILLED)
        self.log.info("The ECS task %s is stopped.", self.task_arn)

    async def _forward_logs(self, logs_client: Any, next_token: str | None = None) -> str | None:
        try:
            token: str | None = await super()._forward_logs(logs_client, next_token)
        except (ClientError, BotoCoreError) as error:  # a log out of reach must not end the wait
            self.log.warning("The worker's log cannot be read now: %s", error)
            return next_token
        return token
