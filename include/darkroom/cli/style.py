"""`darkroom style`: style files."""

from pathlib import Path
from typing import Annotated

import typer

from darkroom.cli.commands import Command, Group
from darkroom.cli.options import StyleFile
from darkroom.compositing.prepare import read_exports
from darkroom.errors import BadInput
from darkroom.store import open_store
from darkroom.styles.importing import import_style
from darkroom.styles.names import SIDES
from darkroom.styles.options import count_combinations
from darkroom.styles.style_file import load_style, read_style

app = typer.Typer(
    cls=Group,
    help="Style files: what a garment is made of and what a shopper may pick.",
    no_args_is_help=True,
    add_completion=False,
)

_COUNT_STEPS = 1_000_000


@app.callback()
def _style() -> None:
    """Keeps `import` a word of its own."""


@app.command("import", cls=Command)
def import_(
    style: StyleFile,
    combinations: Annotated[
        list[str],
        typer.Option(
            "--combinations",
            metavar="CSV",
            help="The exports, one a length; the length is read from the end of the file's name, or write LENGTH=CSV.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The style file to write.")],
) -> None:
    """Infer a style's options and layering order from its exports, and write them down as a style file.

    What the rule of layering draws otherwise than the exports is written down as exceptions, as few as can be found.
    From then on the style file alone says everything. It is written only when its options allow exactly the exported
    combinations and its stacks are exactly the exported ones; otherwise those that differ are listed, and nothing is
    written (exit code 2).

    Example: darkroom style import --style dress.json --combinations exports/Dress-*.csv --out dress.yaml
    """
    base = read_style(style)
    exports, problems = read_exports(combinations, base)
    if problems:
        raise BadInput(problems)
    text = import_style(base, exports)
    open_store(str(out.absolute().parent)).write(out.name, text.encode(), content_type="application/yaml")
    imported = load_style(text.encode(), str(out))
    for length, rows in exports.items():
        count = (count_combinations(imported, length, _COUNT_STEPS) or 0) - 1
        typer.echo(f"{imported.length_names[length]}: {count:,} combinations, the same as its export's {len(rows):,}")
    stacks = sum(len(rows) for rows in exports.values()) * len(SIDES)
    exceptions = len(imported.exceptions)
    took = f"with {exceptions} exception{'s' if exceptions > 1 else ''}" if exceptions else "without an exception"
    typer.echo(f"{stacks:,} stacks, the same as the exports', {took}")
    typer.echo(f"written: {out}")
