"""Parsing a DAG file is cheap: nothing heavy is imported, nothing is read but names of styles, pairs and profiles."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DAG_FILES = sorted((ROOT / "dags").glob("*.py"))
HEAVY = {"pyvips", "numba", "numpy", "scipy", "PIL", "boto3", "botocore", "dropbox", "pandas", "google.cloud", "docker"}

# Runs in a fresh interpreter: parse one DAG file and say what it imported and what it touched.
_PROBE = """
import importlib.util, json, os, sys
sys.path.append(sys.argv[2])
import airflow.sdk, airflow.sdk.exceptions
airflow.sdk.DAG, airflow.sdk.Param, airflow.sdk.BaseOperator, airflow.sdk.BaseNotifier, airflow.sdk.TriggerRule
# what Airflow itself has at hand before it looks at any DAG
import airflow.dag_processing.dagbag, pydantic_settings
before, touched = set(sys.modules), []
watched = {"open", "os.listdir", "os.scandir", "subprocess.Popen"}
watched |= {"socket.connect", "socket.bind", "socket.getaddrinfo"}
def audit(event, args):
    if event in watched:
        touched.append((event, str(args[0]) if args else ""))
sys.addaudithook(audit)
spec = importlib.util.spec_from_file_location("parsed", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
touched = list(touched)
path = [entry for entry in sys.path if entry]
print(json.dumps({"imported": sorted(set(sys.modules) - before), "touched": touched, "path": path}))
"""


@pytest.fixture(scope="module", params=DAG_FILES, ids=lambda path: path.stem)
def parsed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folders = {f"DARKROOM_{name}_DIR": tmp_path_factory.mktemp(name) for name in ("STYLES", "PAIRS", "PROFILES")}
    for folder in folders.values():
        (folder / "one.yaml").write_text("not: [even, yaml")  # listed, never opened
    answer = subprocess.run(
        [sys.executable, "-P", "-c", _PROBE, str(request.param), str(ROOT / "plugins")],
        env={**os.environ, **{name: str(folder) for name, folder in folders.items()}},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return {**json.loads(answer.stdout.splitlines()[-1]), "listed": [str(folder) for folder in folders.values()]}


def test_a_dag_file_imports_nothing_heavy(parsed: dict[str, Any]) -> None:
    assert [name for name in parsed["imported"] if name in HEAVY or name.split(".")[0] in HEAVY] == []


def test_a_dag_file_starts_no_process_and_opens_no_socket(parsed: dict[str, Any]) -> None:
    assert [touch for touch in parsed["touched"] if touch[0].startswith(("socket.", "subprocess."))] == []


def test_a_dag_file_reads_nothing_but_names_and_code(parsed: dict[str, Any]) -> None:
    code = (*(os.path.realpath(path) for path in parsed["path"]), str(ROOT / "include/darkroom"), str(ROOT / "dags"))
    touched = {(event, os.path.realpath(path)) for event, path in parsed["touched"]}
    elsewhere = {(event, path) for event, path in touched if not path.startswith(code)}
    listed = [os.path.realpath(folder) for folder in parsed["listed"]]
    assert elsewhere <= {(event, folder) for event in ("os.listdir", "os.scandir") for folder in listed}
