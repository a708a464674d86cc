"""What compose asks a Celery worker for: a sign of life that costs nothing."""

from pathlib import Path

import pytest


def test_a_worker_shows_at_each_heartbeat_that_it_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from celery.signals import heartbeat_sent

    from darkroom_airflow import celery_worker

    monkeypatch.setattr(celery_worker, "ALIVE", tmp_path / "alive")
    heartbeat_sent.send(sender=None)
    assert celery_worker.ALIVE.exists()
    # the rest is as the provider has it
    assert celery_worker.CONFIG["task_acks_late"]
