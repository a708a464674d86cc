"""`collect`: what services other than the stores know of changed images, before the plan."""

from typing import Any

from airflow.sdk import BaseOperator, Context

from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.operators.plan import params_of
from darkroom_airflow.refusals import refusals_are_told
from darkroom_airflow.xcoms import COUNTS

_MOST_SAID = 50


class CollectOperator(BaseOperator):
    """Brings what other services know into the studio's store, where the plan of `flow` reads it.

    A service that does not answer does not stop the others: `plan` says it, and `report` fails the run for it. In a
    backfill there is nothing to collect, and mode `plan` takes nothing away from anywhere.
    """

    def __init__(self, *, flow: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.flow = flow

    def execute(self, context: Context) -> None:
        """Write what was found where `plan` reads it; passes on only the counts."""
        from darkroom import flows
        from darkroom_airflow.google_drive import DriveFiles

        dag_run = context["dag_run"]
        flow = flows.get(self.flow)
        if not flow.collecting:
            raise ValueError(f"{flow.name} collects nothing")
        with refusals_are_told(context["ti"]), StoreAccess() as stores:
            request = flow.request(params_of(context, backfill=flow.backfill))
            access = stores.reach(*flow.stores(request), *flow.collecting.stores(request))
            run = flows.Run(dag_run.dag_id, dag_run.run_id, access=access)
            found = flow.collecting.collect(request, run, DriveFiles())
        for sentence in found.said:
            self.log.info("%s", sentence)
        for sentence in found.left[:_MOST_SAID]:
            self.log.warning("%s", sentence)
        for problem in found.problems:
            self.log.error("%s", problem)
        context["ti"].xcom_push(COUNTS, dict(found.counts))
