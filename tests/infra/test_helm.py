"""deploy/helm/values.yaml: what can be known of it without a cluster, and with a chart if there is one."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

VALUES = Path(__file__).parents[2] / "deploy" / "helm" / "values.yaml"
CHART = "DARKROOM_TEST_CHART"
"""The variable that names an unpacked chart: `helm pull apache-airflow/airflow --version 1.22.0 --untar`."""
WORKER = {
    "replicas",
    "queue",
    "resources",
    "persistence.enabled",
    "terminationGracePeriodSeconds",
    "nodeSelector",
    "extraVolumes",
    "extraVolumeMounts",
}
KNOWN = {
    *("airflowVersion", "defaultAirflowRepository", "defaultAirflowTag", "executor", "extraEnvFrom"),
    *("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName"),
    *("data.metadataSecretName", "data.brokerUrlSecretName", "redis.passwordSecretName", "postgresql.enabled"),
    *("pgbouncer.enabled", "pgbouncer.configSecretName", "pgbouncer.maxClientConn"),
    *(f"pgbouncer.metricsExporterSidecar.{of}" for of in ("statsSecretName", "statsSecretKey")),
    *("createUserJob.enabled", "migrateDatabaseJob.args", "logs.persistence.enabled", "statsd.enabled"),
    *(f"{name}.{of}" for name in ("apiServer", "scheduler") for of in ("replicas", "resources")),
    *("dagProcessor.resources", "triggerer.resources", "triggerer.persistence.enabled"),
    *(f"workers.celery.{of}" for of in ("enableDefault", "sets", *WORKER)),
}
"""The chart's values that are set, by path: those of the parameters reference and the production guide of 1.22.0
(https://airflow.apache.org/docs/helm-chart/1.22.0/parameters-ref.html). Below `config` lie Airflow's own options.
"""


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(VALUES.read_text(encoding="utf-8"))
    return found


def paths(value: Any, known: set[str], at: str = "") -> Iterator[str]:
    """The paths of what is set; what is known by its path is not looked into."""
    if at in known or not isinstance(value, dict):
        yield at
        return
    for name, one in value.items():
        yield from paths(one, known, f"{at}.{name}".lstrip("."))


def test_only_values_that_the_chart_has_are_set(values: dict[str, Any]) -> None:
    rest = {name: value for name, value in values.items() if name != "config"}
    assert set(paths(rest, KNOWN)) <= KNOWN
    for one in values["workers"]["celery"]["sets"]:
        assert set(paths({key: value for key, value in one.items() if key != "name"}, WORKER)) <= WORKER


def test_each_option_of_airflow_is_one_that_it_has(values: dict[str, Any]) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "airflow", "config", "list", "--defaults"],
        env={**os.environ, "AIRFLOW__CORE__UNIT_TEST_MODE": "False"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    sections: dict[str, set[str]] = {}
    name = ""
    for line in said.splitlines():
        if line.startswith("["):
            name = line.strip("[]")
        elif " = " in line:
            sections.setdefault(name, set()).add(line.lstrip("# ").partition(" = ")[0])
    for section, options in values["config"].items():
        assert set(options) <= sections[section], section


def test_no_secret_stands_in_it_and_each_is_named(values: dict[str, Any]) -> None:
    text = VALUES.read_text(encoding="utf-8")
    assert "password:" not in text.replace("passwordSecretName:", "")
    for name in ("fernetKeySecretName", "apiSecretKeySecretName", "jwtSecretName"):
        assert values[name]
    assert values["data"].keys() == {"metadataSecretName", "brokerUrlSecretName"}


def test_no_user_is_made_whose_password_everybody_knows(values: dict[str, Any]) -> None:
    assert values["createUserJob"] == {"enabled": False}


def test_logs_outlive_their_worker(values: dict[str, Any]) -> None:
    logging = values["config"]["logging"]
    assert (logging["remote_logging"], logging["delete_local_logs"]) == ("True", "True")
    assert logging["remote_base_log_folder"].startswith("s3://")
    assert values["logs"]["persistence"]["enabled"] is False


def test_the_folders_machine_has_a_worker_on_a_queue_of_its_own(values: dict[str, Any]) -> None:
    celery = values["workers"]["celery"]
    (folders,) = celery["sets"]
    assert celery["enableDefault"] is True
    assert folders["queue"] not in ("", celery["queue"])
    (mount,) = folders["extraVolumeMounts"]
    assert mount["readOnly"] is True
    assert [one["name"] for one in folders["extraVolumes"]] == [mount["name"]]


@pytest.mark.slow
def test_an_upgrade_makes_the_pool_once_and_leaves_what_an_operator_has_set(
    values: dict[str, Any], tmp_path: Path
) -> None:
    database = tmp_path / "airflow.db"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}",
    }

    def upgrade() -> tuple[int, int]:
        command = values["migrateDatabaseJob"]["args"]
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        with sqlite3.connect(database) as opened:
            (found,) = opened.execute("select slots, include_deferred from slot_pool where pool = 'imaging'")
            return (found[0], found[1])

    assert upgrade() == (64, 1)  # a task that waits for a worker far away counts as well
    with sqlite3.connect(database) as opened:
        opened.execute("update slot_pool set slots = 8 where pool = 'imaging'")
    opened.close()
    assert upgrade() == (8, 1)


def test_the_charts_own_schema_accepts_it(values: dict[str, Any]) -> None:
    if not os.environ.get(CHART):
        pytest.skip(f"{CHART} names no unpacked chart of Airflow's")
    import jsonschema

    schema = json.loads((Path(os.environ[CHART]) / "values.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(values, schema)


def test_helm_lints_and_renders_it() -> None:
    helm = shutil.which("helm")
    if not helm or not os.environ.get(CHART):
        pytest.skip(f"helm is not installed, or {CHART} names no unpacked chart of Airflow's")
    for words in (["lint"], ["template", "airflow"]):
        ran = subprocess.run(
            [helm, *words, os.environ[CHART], "--values", str(VALUES)], capture_output=True, text=True, timeout=120
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
    made = {(one["kind"], one["metadata"]["name"]) for one in yaml.safe_load_all(ran.stdout) if one}
    assert ("Deployment", "airflow-worker-folders") in made
    assert {name for kind, name in made if kind == "Job"} == {"airflow-run-airflow-migrations"}, "and none makes a user"
    assert "users create" not in ran.stdout
