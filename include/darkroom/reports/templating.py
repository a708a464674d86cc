"""The one way in which a page is made of a template."""

from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

STYLE = "report.css"
"""What a report looks like."""


def environment(*packages: str) -> Environment:
    """The templates of reports, and before them those that lie in `templates/` of other packages.

    Escaping is always on: every name on a page came from outside.
    """
    return Environment(
        loader=ChoiceLoader([PackageLoader(package) for package in (*packages, "darkroom.reports")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


_templates = environment()


def render(template: str, **values: Any) -> str:
    """A template of `reports/templates/` with these values in it, each of them text and no HTML."""
    return _templates.get_template(template).render(**values)


def style() -> str:
    """The style sheet of reports."""
    return render(STYLE)
