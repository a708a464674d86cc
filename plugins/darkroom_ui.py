"""What Darkroom adds to Airflow's UI."""

from urllib.parse import quote

from airflow.plugins_manager import AirflowPlugin

from darkroom_airflow import notes, pages
from darkroom_airflow.pages import RUN_TAB

_FITTING_ROOM = "darkroom/fitting-room/"
_LIGHTBOX = "darkroom/lightbox/"


def _icon(colour: str) -> str:
    """A sheet with a plot: an address that holds it, since a page's files need the right to see a run."""
    drawing = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24" fill="none" '
        f'stroke="{colour}" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">'
        '<path d="M5 3h14v18H5zM9 16.500v-3M12 16.500v-6M15 16.500v-8"/></svg>'
    )
    return f"data:image/svg+xml,{quote(drawing)}"


class DarkroomUi(AirflowPlugin):
    """The fitting room, the lightbox, the tab of a run, and the notes of runs."""

    name = "darkroom_ui"
    listeners = [notes]  # noqa: RUF012 as Airflow declares it
    fastapi_apps = [{"app": pages.lazily, "url_prefix": "/darkroom", "name": "Darkroom"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Fitting room",
            # relative, as the UI itself may lie below a path
            "href": _FITTING_ROOM,
            "destination": "nav",
            "url_route": "fitting-room",
            "nav_top_level": True,
            "icon": f"{_FITTING_ROOM}static/icon.svg",
            "icon_dark_mode": f"{_FITTING_ROOM}static/icon-dark.svg",
        },
        {
            "name": "Lightbox",
            "href": _LIGHTBOX,
            "destination": "nav",
            "url_route": "lightbox",
            "nav_top_level": True,
            "icon": f"{_LIGHTBOX}static/icon.svg",
            "icon_dark_mode": f"{_LIGHTBOX}static/icon-dark.svg",
        },
        {
            "name": "Report",
            # Airflow puts the run's own names in
            "href": "darkroom/runs/{DAG_ID}/{RUN_ID}/",
            "destination": "dag_run",
            "url_route": RUN_TAB,
            "icon": _icon("#27272a"),
            "icon_dark_mode": _icon("#e4e4e7"),
        },
    ]
