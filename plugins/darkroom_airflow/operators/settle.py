"""`settle`: prove what the workers wrote, and commit it."""

from typing import Any

from airflow.sdk import BaseOperator, Context, TriggerRule
from airflow.sdk.exceptions import AirflowSkipException

from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.operators.jobs import stop_strays
from darkroom_airflow.refusals import refusals_are_final
from darkroom_airflow.xcoms import PLAN, PLAN_URI

_MOST_NAMED = 50


class SettleOperator(BaseOperator):
    """Commits what is proven, whatever became of the jobs; skipped where there is no plan.

    Succeeds even when some items failed: `report` is what fails the run. Its outlets are told of each subject of which
    there is something new (`Settlement.news`), as a partition, and of nothing else.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "trigger_rule": TriggerRule.ALL_DONE})

    def execute(self, context: Context) -> None:
        """Settle the run's plan."""
        from darkroom.causes import cause_lines, causes
        from darkroom.settling import settle

        ti = context["ti"]
        uri = ti.xcom_pull(task_ids=PLAN, key=PLAN_URI)
        # Airflow tells of every outlet of a task that succeeds, whether there is anything new or not
        outlets, self.outlets = self.outlets, []
        if not uri:
            raise AirflowSkipException("There is no plan, so there is nothing to settle.")
        stop_strays(uri, ti.dag_id)  # what is proven below shall not be written meanwhile
        with refusals_are_final(), StoreAccess() as stores:
            folder = stores.reach_plan(uri)
            noun = folder.manifest().noun
            settlement = settle(folder)
        self.log.info("%d are proven and in the ledger.", settlement.proven)
        if settlement.unproven:
            self.log.warning("%d could not be proven and are not in the ledger:", len(settlement.unproven))
        for line in cause_lines(causes(settlement.unproven), noun, _MOST_NAMED):
            self.log.warning("%s", line)
        if settlement.news and outlets:
            for asset in outlets:
                context["outlet_events"][asset].add_partitions(list(settlement.news))
            self.outlets = outlets
            self.log.info("There is something new of: %s", ", ".join(settlement.news))
