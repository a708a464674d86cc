"""`collect`: what services other than the stores know of changed images, before the plan."""

from typing import Any

from airflow.sdk import BaseOperator, Context

from darkroom_airflow.credentials import StoreAccess
from darkroom_airflow.operators.plan import params_of
from darkroom_airflow.refusals import refusals_are_told
from darkroom_airflow.xcoms import COUNTS

_MOST_SAID = 50


class CollectOperator(BaseOperator):
    """Drains the queue into markers, lists the API's files, fetches what lies in Google Drive, for the flow `pyramids`.

    A service that does not answer does not stop the others: `plan` says it, and `report` fails the run for it. In a
    backfill there is nothing to collect, and mode `plan` takes nothing out of the queue.
    """

    def execute(self, context: Context) -> None:
        """Write what was found where `plan` reads it; passes on only the counts."""
        from darkroom import flows
        from darkroom.pyramids.collect import collect
        from darkroom.settings import settings
        from darkroom_airflow.google_drive import DriveFiles

        dag_run = context["dag_run"]
        with refusals_are_told(context["ti"]), StoreAccess() as stores:
            flow = flows.get("pyramids")
            request = flow.request(params_of(context, backfill=flow.backfill))
            access = stores.reach(*flow.stores(request), *settings().scan_sources.values(), settings().scan_queue)
            found = collect(request, DriveFiles(), flows.Run(dag_run.dag_id, dag_run.run_id, access=access))
        if found.waiting:
            self.log.info("About %d messages wait in the queue; mode plan takes none.", found.waiting)
        self.log.info(
            "The queue: %d images marked, %d were already, %d other events.", found.marked, found.already, found.passed
        )
        for sentence in found.left[:_MOST_SAID]:
            self.log.warning("Left in the queue: %s", sentence)
        gone = sum(file.gone for file in found.museum.values())
        self.log.info("The API: %d files, %d of them in Google Drive.", len(found.files), len(found.museum))
        for problem in found.problems:
            self.log.error("%s", problem)
        counts: dict[str, Any] = {"marked": found.marked, "files": len(found.files), "gone": gone}
        context["ti"].xcom_push(COUNTS, counts | {"problems": len(found.problems)})
