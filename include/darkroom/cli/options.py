"""Options that several commands share, with the words that explain them."""

from typing import Annotated

import typer

from darkroom.errors import BadInput
from darkroom.styles.names import length_slug
from darkroom.styles.style import Style

StyleFile = Annotated[str, typer.Option("--style", metavar="FILE", help="The style file (YAML, or JSON).")]

Combinations = Annotated[
    list[str] | None,
    typer.Option(
        "--combinations",
        metavar="CSV",
        help="An export of a length's combinations with their stacks (no header: combination, front stack, back "
        "stack). Several are given one after the other; the length is read from the file's name, or write LENGTH=CSV. "
        "Without it, the style's options say what there is.",
    ),
]
Lengths = Annotated[
    list[str] | None,
    typer.Option(
        "--length",
        metavar="L",
        help="A length of the style, such as Micro-Mini; or several of them. Default: all.",
    ),
]
Out = Annotated[
    str,
    typer.Option(
        "--out",
        metavar="STORE",
        help="The bucket's root, a path or a URI; pictures go to renders/composites/<style>/ in it.",
    ),
]


def listed(values: list[str] | None) -> tuple[str, ...]:
    """Values that were repeated, separated by commas, or both.

    >>> listed(["Knee", "Mini, Maxi"])
    ('Knee', 'Mini', 'Maxi')
    """
    return tuple(part.strip() for value in values or () for part in value.split(",") if part.strip())


def one_length(style: Style, name: str, where: str) -> str:
    """The slug of a length as somebody wrote it. Raises `BadInput` for one that the style does not have."""
    slug = style.length_spellings().get(length_slug(name))
    if slug is None:
        raise BadInput(f"length: {name!r} is no length of {where} (it has {', '.join(style.length_names.values())}).")
    return slug
