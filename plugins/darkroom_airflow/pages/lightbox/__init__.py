"""The lightbox: a style's composites, two of them over one another, and pyramids with their scans, in deep zoom.

The page is plain files without a build step (`static/`), with OpenSeadragon beside them. What it shows comes from
here: what stands of a style (`composites`), cuts of pyramids over the IIIF Image API (`iiif_routes`), a night's
pyramids and their sources (`nights`).
"""

from darkroom_airflow.pages.lightbox.iiif_routes import router as iiif_router
from darkroom_airflow.pages.lightbox.routes import router

__all__ = ["iiif_router", "router"]
