"""`darkroom resolve`: the stacks that a style gives, and where an export says otherwise."""

import csv
import sys
from pathlib import Path
from typing import Annotated

import typer

from darkroom.checks.renders import delivered
from darkroom.cli.options import StyleFile, one_length
from darkroom.cli.report_file import report_option, write_report
from darkroom.compositing.prepare import read_exports
from darkroom.errors import BadInput
from darkroom.settings import settings
from darkroom.store import open_store
from darkroom.styles.names import SIDES, parse_layer, parse_render
from darkroom.styles.options import check_count, enumerate_combinations
from darkroom.styles.resolving import Comparison, compare_stacks, in_layering_order
from darkroom.styles.stacks import Resolver
from darkroom.styles.style import Style
from darkroom.styles.style_file import read_file, read_style


def resolve(
    style: StyleFile,
    length: Annotated[str, typer.Option("--length", metavar="L", help="A length of the style, such as Micro-Mini.")],
    renders: Annotated[
        str | None, typer.Option("--renders", metavar="STORE", help="The layers that there are: a renders' store.")
    ] = None,
    layer_names: Annotated[
        str | None,
        typer.Option("--layer-names", metavar="FILE", help="The layers that there are: their names, one a line."),
    ] = None,
    combinations: Annotated[
        str | None,
        typer.Option(
            "--combinations", metavar="CSV", help="Resolve the combinations of this export, and compare its stacks."
        ),
    ] = None,
    no_exceptions: Annotated[
        bool, typer.Option("--no-exceptions", help="Leave out the style's exceptions: what the rule alone gives.")
    ] = False,
    report: Annotated[Path | None, report_option("Write the comparison as JSON here.")] = None,
) -> None:
    """Print the stacks that the rule and the exceptions give, as an export: combination, front stack, back stack.

    With --combinations these stacks are compared with the export's; where they differ, the report has both, and
    what kind of difference it is: a finding for QA.

    Example: darkroom resolve --style dress.yaml --length Knee --renders renders/ --combinations exports/Dress-Knee.csv
    """
    read = read_style(style)
    if no_exceptions:
        read = read.without_exceptions()
    slug = one_length(read, length, style)
    layers = _layers(read, renders, layer_names)
    rows = None
    if combinations:
        exports, problems = read_exports([combinations], read, only=slug)
        if problems:
            raise BadInput(problems)
        rows = exports[slug]
        chosen = [in_layering_order(read, slug, row.codes) for row in rows]
    elif read.options:
        check_count(read, slug, settings().max_combinations, style)
        chosen = [codes for codes in enumerate_combinations(read, slug) if codes]
    else:
        raise BadInput(f"{style}: it has no options; add them, or give an export with --combinations.")
    resolvers = {side: Resolver(read, slug, side, layers) for side in SIDES}
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for codes in chosen:
        writer.writerow(["-".join(codes), *(" ".join(resolvers[side].stack(codes)) for side in SIDES)])
    comparison = compare_stacks(read, slug, rows or [], layers)
    if rows is not None:
        _say(comparison)
    write_report(comparison, report)


def _layers(style: Style, renders: str | None, layer_names: str | None) -> set[str]:
    """The names of the layers that there are."""
    if bool(renders) == bool(layer_names):
        raise BadInput("Say which layers there are: either --renders STORE or --layer-names FILE.")
    if renders:
        return delivered(renders, open_store(renders).list(), style.source_folders).layers()
    assert layer_names is not None
    names, problems = set(), []
    lines = read_file(layer_names, "list of layer names").decode("utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        render = parse_render(line.strip())
        layer = render[0] if render else parse_layer(line.strip())
        if layer is None:
            problems.append(
                f"{layer_names}, line {number}: no layer is called {line.strip()[:80]!r}; correct the line."
            )
        else:
            names.add(layer.name)
    if not names and not problems:
        problems.append(f"{layer_names}: it names no layer; write their names, one a line.")
    if problems:
        raise BadInput(problems)
    return names


def _say(comparison: Comparison) -> None:
    typer.echo(f"{comparison.agree:,} of {comparison.stacks:,} stacks agree with the export", err=True)
    for kind, count in comparison.kinds.items():
        typer.echo(f"  {count:,} {kind}", err=True)
