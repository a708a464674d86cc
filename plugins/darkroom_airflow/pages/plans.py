"""What a person sees of a plan before they answer: its contact sheet, as the question shows it."""

from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import APIRouter, Depends, Response

from darkroom import keys
from darkroom.store import Store
from darkroom_airflow.pages import studio

router = APIRouter(prefix="/plans")


@router.get("/{dag_id}/{run}/{plan}/contact-sheet.jpg", dependencies=[Depends(requires_access_dag("GET"))])
async def contact_sheet(dag_id: str, run: str, plan: str) -> Response:
    """A plan's contact sheet; `run` and `plan` are the last two folders of the plan's own address."""
    key = keys.plan_folder(dag_id, run, plan) + keys.CONTACT_SHEET

    def read(store: Store) -> bytes:
        return store.read(key)

    return Response(await studio.ask(read), media_type="image/jpeg")
