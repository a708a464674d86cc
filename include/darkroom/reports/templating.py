"""The one way in which a page is made of a template."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

# escaping is always on: every name on a page came from outside
_templates = Environment(
    loader=PackageLoader("darkroom.reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, **values: Any) -> str:
    """A template of `reports/templates/` with these values in it, each of them text and no HTML."""
    return _templates.get_template(template).render(**values)
