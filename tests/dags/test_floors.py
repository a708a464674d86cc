"""Imports only go down: dags -> plugins/darkroom_airflow -> include/darkroom."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAGS = {path.stem for path in (ROOT / "dags").glob("*.py")}


def imports(folder: str) -> Iterator[tuple[Path, str]]:
    """Every module that a file of the folder imports, at the top or inside a function."""
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files, f"{folder} has no Python file"
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            if isinstance(node, ast.Import):
                yield from ((path.relative_to(ROOT), name.name) for name in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{path}: imports are absolute here"
                yield path.relative_to(ROOT), node.module or ""


@pytest.mark.parametrize(
    ("floor", "forbidden"),
    [
        ("include/darkroom", {"airflow", "darkroom_airflow", *DAGS}),
        ("plugins", DAGS),
        ("dags", {"darkroom", *DAGS}),
    ],
)
def test_no_floor_imports_from_a_floor_that_is_not_its_own_to_use(floor: str, forbidden: set[str]) -> None:
    wrong = [f"{path} imports {name}" for path, name in imports(floor) if name.split(".")[0] in forbidden]
    assert wrong == []


@pytest.mark.parametrize(
    "room", ["alerting", "catalogue", "checks", "iiif", "imaging", "outside", "publishing", "store", "styles"]
)
def test_no_shared_room_imports_from_a_flow(room: str) -> None:
    flows = tuple(f"darkroom.{name}" for name in ("archive", "compositing", "ingest", "pyramids", "sync", "cli"))
    wrong = [f"{path} imports {name}" for path, name in imports(f"include/darkroom/{room}") if name.startswith(flows)]
    assert wrong == []


@pytest.mark.parametrize("floor", ["plugins", "dags"])
def test_airflow_is_imported_by_its_public_sdk_only(floor: str) -> None:
    public = ("airflow.sdk", "airflow.providers", "airflow.plugins_manager", "airflow.api_fastapi", "airflow.listeners")
    # a listener runs in the scheduler, where the SDK gives nobody a run's XComs
    needed = {("plugins/darkroom_airflow/notes.py", "airflow.models.xcom")}
    # nor in the API server, which draws a run's tab and has its database at hand
    models = ("airflow.models.dagrun", "airflow.models.taskinstance", "airflow.models.xcom")
    needed |= {("plugins/darkroom_airflow/pages/run_report/runs.py", name) for name in models}
    wrong = [
        f"{path} imports {name}"
        for path, name in imports(floor)
        if name.split(".")[0] == "airflow" and not name.startswith(public) and (str(path), name) not in needed
    ]
    assert wrong == []
