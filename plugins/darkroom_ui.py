"""What Darkroom adds to Airflow's UI."""

from airflow.plugins_manager import AirflowPlugin

from darkroom_airflow import notes


class DarkroomUi(AirflowPlugin):
    """The notes of refused runs."""

    name = "darkroom_ui"
    listeners = [notes]  # noqa: RUF012 as Airflow declares it
