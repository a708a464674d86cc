"""Options that several commands share, with the words that explain them."""

from typing import Annotated

import typer

from darkroom.errors import BadInput
from darkroom.jobs import Mode
from darkroom.styles.names import length_slug
from darkroom.styles.style import Style

StyleFile = Annotated[str, typer.Option("--style", metavar="FILE", help="The style file (YAML, or JSON).")]

Renders = Annotated[
    str,
    typer.Option("--renders", metavar="STORE", help="Where the style's PNGs lie, at any depth: a path or a URI."),
]

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

AskedMode = Annotated[
    Mode,
    typer.Option(
        "--mode",
        metavar="plan|changed|all",
        help="plan: say what would be done. changed: make what is missing or has changed. all: everything.",
    ),
]
Workers = Annotated[int | None, typer.Option("--workers", min=1, metavar="N", help="Threads. Default: every core.")]


def listed(values: list[str] | None, option: str) -> tuple[str, ...]:
    """Values that were repeated, separated by commas, or both. Raises `BadInput` where none of them names anything.

    >>> listed(["Knee", "Mini, Maxi"], "--length")
    ('Knee', 'Mini', 'Maxi')
    """
    parts = tuple(part.strip() for value in values or () for part in value.split(",") if part.strip())
    if values and not parts:
        raise BadInput(f"{option}: it is empty; name something, or leave {option} out for all.")
    return parts


def listed_of(value: str | None, option: str) -> tuple[str, ...]:
    """The same of an option that is given once."""
    return listed(None if value is None else [value], option)


def named(value: str | None, option: str) -> str:
    """The same as the text that it was."""
    return ",".join(listed_of(value, option))


def one_length(style: Style, name: str, where: str) -> str:
    """The slug of a length as somebody wrote it. Raises `BadInput` for one that the style does not have."""
    slug = style.length_spellings().get(length_slug(name))
    if slug is None:
        raise BadInput(f"length: {name!r} is no length of {where} (it has {', '.join(style.length_names.values())}).")
    return slug
