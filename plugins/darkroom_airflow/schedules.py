"""Hours of the day, as settings give them (`05:30`), as Airflow's schedules and deadlines."""

from datetime import timedelta
from typing import NamedTuple

from airflow.sdk import AsyncCallback, CronDataIntervalTimetable, DeadlineAlert, DeadlineReference  # type: ignore[attr-defined]  # Airflow's own stub lacks them

from darkroom.settings import settings
from darkroom_airflow.alerts import RunAlert

_DAY = timedelta(days=1)


class Night(NamedTuple):
    """When a flow of the night begins, and when it should be done."""

    begins: str
    ends: str


def pyramids_night() -> Night:
    """As the deployment has it (`DARKROOM_PYRAMIDS_AT`, `DARKROOM_PYRAMIDS_BY`); read when the DAG is parsed."""
    return Night(settings().pyramids_at, settings().pyramids_by)


def archive_hours() -> CronDataIntervalTimetable:
    """When the archive is looked at, as the deployment has it (`DARKROOM_ARCHIVE_AT`); read when the DAG is parsed."""
    return CronDataIntervalTimetable(settings().archive_at, timezone="UTC")


def ingest_hours() -> CronDataIntervalTimetable:
    """When renders are ingested, as the deployment has it (`DARKROOM_INGEST_AT`); read when the DAG is parsed."""
    return CronDataIntervalTimetable(settings().ingest_at, timezone="UTC")


def sync_days() -> CronDataIntervalTimetable:
    """When folders are synced, as the deployment has it (`DARKROOM_SYNC_AT`); read when the DAG is parsed."""
    return daily_at(settings().sync_at, "UTC")


def daily_at(hour: str, timezone: str) -> CronDataIntervalTimetable:
    """Every day at an hour of a timezone, whether it is summer there or not. A run's interval is the day before."""
    hours, minutes = hour.split(":")
    return CronDataIntervalTimetable(f"{int(minutes)} {int(hours)} * * *", timezone=timezone)


def done_by(hour: str, begins: str) -> DeadlineAlert:
    """The alert for a run that begins at one hour and is not done by another one, on the same day or the next.

    Counted from the moment at which a run is queued: so it holds for one that was started by hand, too, and anew for
    one that was cleared.
    """
    return DeadlineAlert(
        name=f"done by {hour}",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        # In seconds, which Airflow understands everywhere: when a run is cleared, 3.3 counts its deadline anew and
        # trips over what it has made of a timedelta (apache/airflow#70368).
        interval=between(begins, hour).total_seconds(),
        callback=AsyncCallback(RunAlert),
    )


def between(begins: str, ends: str) -> timedelta:
    """The time from one hour to the next time that it is another.

    >>> between("05:30", "09:00")
    datetime.timedelta(seconds=12600)
    >>> between("22:00", "06:00")
    datetime.timedelta(seconds=28800)
    """
    return (_since_midnight(ends) - _since_midnight(begins)) % _DAY or _DAY


def _since_midnight(hour: str) -> timedelta:
    hours, minutes = hour.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))
