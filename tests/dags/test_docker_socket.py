"""`run` in containers where the engine cannot be reached: no second try mends that."""

import socket
from pathlib import Path

import pytest
from airflow.sdk.exceptions import AirflowFailException


def test_without_the_engines_socket_a_task_fails_for_good_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(AirflowFailException, match=r"docker\.sock: there is no such socket"):
        execute(tmp_path)


def test_a_socket_that_is_for_another_group_is_named_with_that_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from darkroom_airflow.operators import docker_job

    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    monkeypatch.setattr(docker_job.os, "access", lambda path, mode: False)  # root may do all
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        with pytest.raises(AirflowFailException, match=f"let it have the socket's group, {path.stat().st_gid}"):
            execute(tmp_path)


def execute(tmp_path: Path) -> None:
    from darkroom_airflow.operators.docker_job import DockerJobOperator

    task = DockerJobOperator(task_id="run", job_uri=(tmp_path / "job.json").as_uri(), job_label="a job")
    task.execute.__wrapped__(task, {})  # type: ignore[attr-defined]
