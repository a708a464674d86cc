"""`darkroom combinations`: what a style offers."""

import sys
from typing import Annotated

import typer

from darkroom.cli.options import StyleFile, one_length
from darkroom.cli.output import Json, print_json
from darkroom.errors import BadInput
from darkroom.settings import settings
from darkroom.styles.options import check_count, count_combinations, enumerate_combinations
from darkroom.styles.style_file import read_style


def combinations(
    style: StyleFile,
    length: Annotated[str, typer.Option("--length", metavar="L", help="A length of the style, such as Micro-Mini.")],
    count: Annotated[bool, typer.Option("--count", help="Print only how many there are.")] = False,
    json: Json = False,
) -> None:
    """Print every combination that a length offers: its codes in layering order, joined by dashes, one a line.

    This is an export's first column; the default (nothing picked) has no line and is not counted.

    Example: darkroom combinations --style dress.yaml --length Knee
    """
    read = read_style(style)
    slug = one_length(read, length, style)
    if not read.options:
        raise BadInput(f"{style}: it has no options; add them, or import them with darkroom style import.")
    limit = settings().max_combinations
    if count:
        number = count_combinations(read, slug, limit)
        if json:
            print_json({"count": None, "more_than": limit} if number is None else {"count": number - 1})
        else:
            typer.echo(f"more than {limit}" if number is None else str(number - 1))
        return
    check_count(read, slug, limit, style)
    if not read.codes_of(slug):
        raise BadInput(f"{style}: no option is offered in {read.length_names[slug]}, so it has no combination.")
    for codes in enumerate_combinations(read, slug):
        if codes and json:
            print_json({"codes": codes})
        elif codes:
            sys.stdout.write(f"{'-'.join(codes)}\n")
