"""A report as one HTML page, whole in itself: counts, what was not done, a sheet of the pictures."""

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from darkroom.reports.report import Report

_MOST_ROWS = 500

# escaping is always on: every name on the page came from outside
_templates = Environment(
    loader=PackageLoader("darkroom.reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def human_bytes(count: float) -> str:
    """A size as people read it.

    >>> human_bytes(12_345_678)
    '12.3 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def human_seconds(seconds: float) -> str:
    """A duration as people read it.

    >>> human_seconds(75)
    '1 min 15 s'
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def page(report: "Report", pictures: Mapping[str, bytes]) -> str:
    """The page; `pictures` are PNGs by name."""
    return _templates.get_template("report.html.jinja").render(
        report=report,
        rows=report.not_done[:_MOST_ROWS],
        more=max(0, len(report.not_done) - _MOST_ROWS),
        pictures={name: base64.b64encode(data).decode() for name, data in pictures.items()},
        bytes=human_bytes(report.bytes),
        seconds=human_seconds(report.seconds),
    )
