"""A form, the request that it becomes, and the command of the same flow ask for the same, with the same defaults."""

from enum import StrEnum
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel

from darkroom.archive.request import Params as Archive
from darkroom.cli import app
from darkroom.compositing.request import Approving
from darkroom.compositing.request import Request as Composites
from darkroom.ingest.request import Params as Ingest
from darkroom.jobs import Mode
from darkroom.pyramids.request import Params as Pyramids
from darkroom.sync.request import Params as Sync

DEPLOYMENT = {"store"}
"""Of a request: what a form's flow has from the deployment's settings, and a command from `--out`."""
INTERVAL = {"since", "until"}
"""Of a request: what only a backfill says, which Airflow asks for itself."""
OF_THE_RUN = {"workers", "report", "help"}
"""Of a command: how it works, not what it makes."""
OF_PEOPLE = {"approval"}
"""Of a request: what a form asks and a command does not, which has its person before it."""
CALLED = {"style_file": "style", "out": "store", "length": "lengths"}

FORMS: dict[str, tuple[type[BaseModel], set[str]]] = {
    "combination_compositing": (Composites, DEPLOYMENT),
    "nightly_pyramids": (Pyramids, INTERVAL),
    "render_ingest": (Ingest, INTERVAL),
    "gcs_archive_sync": (Archive, set()),
    "local_s3_sync": (Sync, set()),
}
OWN_MODES = {"local_s3_sync"}
"""Those of which people know other modes by name."""


def named(fields: Any) -> set[str]:
    return {CALLED.get(name, name) for name in fields}


@pytest.mark.parametrize("dag_id", FORMS)
def test_a_form_asks_for_what_the_request_holds(dag_id: str, dagbag: Any) -> None:
    model, elsewhere = FORMS[dag_id]
    assert set(dagbag.dags[dag_id].params) == named(model.model_fields) - elsewhere


def test_the_command_asks_for_what_the_request_holds() -> None:
    group: Any = typer.main.get_command(app)
    command = group.get_command(group.make_context("darkroom", ["--help"], resilient_parsing=True), "composite")
    options = {option.name for option in command.params}
    assert named(options - OF_THE_RUN) == named(Composites.model_fields) - OF_PEOPLE


@pytest.mark.parametrize("dag_id", FORMS)
def test_a_forms_choices_and_defaults_are_the_requests(dag_id: str, dagbag: Any) -> None:
    """But for closed lists, which show all that is chosen: there an empty one means all too."""
    model, params = FORMS[dag_id][0], dagbag.dags[dag_id].params
    for name, field in model.model_fields.items():
        if name not in params or name in ("sides", "cuts"):
            continue
        kind, schema = field.annotation, params.get_param(name).schema
        if isinstance(kind, type) and issubclass(kind, StrEnum):
            assert schema["enum"] == [choice.value for choice in kind], name
        if name in OF_PEOPLE:
            continue
        default = list(field.default) if isinstance(field.default, tuple) else field.default
        # null is what an emptied field gives, and means the default
        assert params[name] in (default, None), name


def test_a_person_is_asked_by_a_form_that_stands_as_it_is_and_by_no_command(dagbag: Any) -> None:
    params = dagbag.dags["combination_compositing"].params
    assert params["approval"] == Approving.ASK
    assert params.get_param("approval").schema["enum"] == list(Approving)
    assert Composites(style_file="", store="").approval is Approving.NONE


def test_every_flow_knows_the_same_modes(dagbag: Any) -> None:
    for dag_id in FORMS.keys() - OWN_MODES:
        assert dagbag.dags[dag_id].params.get_param("mode").schema["enum"] == [mode.value for mode in Mode]
