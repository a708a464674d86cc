"""A scheduler that forks its tasks has what they import at hand, and other processes are spared it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Runs in a fresh interpreter, as Airflow's command of this name: what is there once the plugin is loaded, and what the
# DAGs' files import besides.
_PROBE = """
import importlib.util, json, sys
from pathlib import Path
root, command = Path(sys.argv[1]), sys.argv[2]
sys.argv[:] = ["airflow", command]
sys.path.append(str(root / "plugins"))
def run(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
run(root / "plugins/darkroom_tasks.py").DarkroomTasks.on_load()
ready = set(sys.modules)
for path in sorted((root / "dags").glob("*.py")):
    run(path)
print(json.dumps({"ready": sorted(ready), "besides": sorted(set(sys.modules) - ready)}))
"""


def modules(command: str, executor: str = "LocalExecutor") -> dict[str, list[str]]:
    answer = subprocess.run(
        [sys.executable, "-P", "-c", _PROBE, str(ROOT), command],
        env={**os.environ, "AIRFLOW__CORE__EXECUTOR": executor},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found: dict[str, list[str]] = json.loads(answer.stdout.splitlines()[-1])
    return found


def test_what_every_dag_imports_is_there_before_a_task_is_forked_and_nothing_of_libvips() -> None:
    found = modules("scheduler")
    ours = [name for name in found["besides"] if name.partition(".")[0] in ("darkroom", "darkroom_airflow")]
    assert [name for name in ours if not name.endswith("_job")] == []  # which of these, a setting says
    assert {"darkroom.planning", "darkroom.settling", "numba"} <= set(found["ready"])
    assert "pyvips" not in found["ready"]


@pytest.mark.parametrize(
    ("command", "executor"),
    [("triggerer", "LocalExecutor"), ("dag-processor", "LocalExecutor"), ("scheduler", "CeleryExecutor")],
)
def test_who_forks_no_task_imports_nothing_for_it(command: str, executor: str) -> None:
    assert [name for name in modules(command, executor)["ready"] if name.startswith(("darkroom.", "numba"))] == []
