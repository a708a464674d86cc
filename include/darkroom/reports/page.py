"""A report as one HTML page, whole in itself: counts, what was not done, a sheet of the pictures."""

import base64
from collections.abc import Mapping

from jinja2 import Environment, PackageLoader, StrictUndefined

from darkroom.amounts import human_bytes, human_seconds
from darkroom.jobs import Report
from darkroom.store import readable

_MOST_ROWS = 500

# escaping is always on: every name on the page came from outside
_templates = Environment(
    loader=PackageLoader("darkroom.reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(report: Report, pictures: Mapping[str, bytes]) -> str:
    """The page; `pictures` are PNGs by their keys."""
    return _templates.get_template("report.html.jinja").render(
        report=report,
        causes=report.causes[:_MOST_ROWS],
        more=max(0, len(report.causes) - _MOST_ROWS),
        plan=readable(report.plan),
        pictures={name: base64.b64encode(data).decode() for name, data in pictures.items()},
        bytes=human_bytes(report.bytes),
        seconds=human_seconds(report.seconds),
    )
