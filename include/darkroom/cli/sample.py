"""`darkroom sample`: a studio to try things on."""

from pathlib import Path
from typing import Annotated

import typer

from darkroom import keys
from darkroom.amounts import counted
from darkroom.cli.commands import kept
from darkroom.progress import Progress
from darkroom.settings import settings


def sample(
    out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to fill: a bucket's root.")],
    size: Annotated[
        int, typer.Option(metavar="PIXELS", min=50, max=6000, help="Width and height of the renders.")
    ] = 1600,
) -> None:
    """Draw the renders of the sample dress, in every colour, and put its style file beside them.

    Then: darkroom composite --style DIR/sample-dress.yaml --renders DIR/renders/raw/sample-dress --out DIR

    Example: darkroom sample --out studio
    """
    from darkroom.sample import draw_renders, layer_names, style_text
    from darkroom.styles.style_file import load_style

    style = load_style(style_text().encode(), "sample-dress.yaml")
    folder = out / keys.raw_renders(style.style) / style.source_folders[0]
    progress = Progress("drawing renders", len(layer_names()) * style.colours)

    def so_far() -> str:
        return f"{counted(progress.done, 'render')} lie in {folder}; the same command draws all of them again."

    with kept(so_far), progress:
        drawn = draw_renders(folder, size=size, workers=settings().workers, progress=progress)
    (out / f"{style.style}.yaml").write_text(style_text(), encoding="utf-8")
    typer.echo(f"{drawn} renders in {folder}, the style file is {out / f'{style.style}.yaml'}")
