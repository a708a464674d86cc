"""The queues of the machines that have what others lack; read when a DAG is parsed."""

from darkroom.settings import settings


def sync_queue() -> str:
    """Of those that have the folders to sync (`DARKROOM_SYNC_QUEUE`); empty where every machine of Airflow has them."""
    return settings().sync_queue
