"""The fitting room: any combination of a style, drawn in the browser from the proxies, and its flags.

The page is plain files without a build step (`static/`). What it shows comes from here: the styles, a style's
catalogue with each proxy's version, the proxies, what the checks found, and the flags.
"""

from darkroom_airflow.pages.fitting_room.routes import router

__all__ = ["router"]
