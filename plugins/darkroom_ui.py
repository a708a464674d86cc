"""What Darkroom adds to Airflow's UI."""

from airflow.plugins_manager import AirflowPlugin

from darkroom_airflow import notes, pages

_FITTING_ROOM = "darkroom/fitting-room/"
_LIGHTBOX = "darkroom/lightbox/"


class DarkroomUi(AirflowPlugin):
    """The fitting room, the lightbox, and the notes of refused runs."""

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
    ]
