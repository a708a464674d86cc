"""`darkroom estimate`: what so many pictures take, before anything is spent."""

import os
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from darkroom.amounts import human_seconds
from darkroom.cli.commands import kept
from darkroom.cli.options import Combinations, Lengths, listed
from darkroom.cli.output import Json, print_json
from darkroom.errors import BadInput
from darkroom.settings import PRICE, settings
from darkroom.store import Store, open_store, readable

if TYPE_CHECKING:
    from darkroom.estimates import Prices
    from darkroom.estimating.forecast import Forecast
    from darkroom.figures import Figures

_DEFAULT_MEGAPIXELS = 30.0
_PRICES = {
    "core_hour": "--core-hour-price",
    "writes": "--write-price",
    "reads": "--read-price",
    "month": "--storage-price",
}


def _price(option: str, of_what: str, example: str, setting: str) -> Any:
    def checked(value: str | None) -> str | None:
        if value is not None and (not value or not re.match(PRICE, value)):
            raise BadInput(f"{option}: {value!r} is no price; write an amount, and its currency: '0.05 USD'.")
        return value

    words = f"The price of {of_what}, such as '{example} USD'. Default: {setting}."
    return typer.Option(option, metavar="PRICE", help=words, callback=checked)


def estimate(
    style: Annotated[
        str | None, typer.Option("--style", metavar="FILE", help="What is still to be made of this style.")
    ] = None,
    renders: Annotated[
        str, typer.Option("--renders", metavar="STORE", help="Where the style's PNGs lie. Default: as delivered.")
    ] = "",
    combinations: Combinations = None,
    length: Lengths = None,
    composites: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000_000, metavar="N", help="So many composites, of a studio like a real one."),
    ] = None,
    pyramids: Annotated[
        int | None, typer.Option(min=1, max=1_000_000_000, metavar="N", help="So many pyramids of images.")
    ] = None,
    megapixels: Annotated[
        float | None,
        typer.Option(min=0.01, max=10_000, metavar="M", help="Of an image (30), or of a render of --composites (9)."),
    ] = None,
    machines: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="Machines that work at once.")] = 1,
    cores: Annotated[
        int | None, typer.Option(min=1, max=1024, metavar="C", help="Cores of each. Default: this machine's.")
    ] = None,
    core_hour_price: Annotated[
        str | None, _price(_PRICES["core_hour"], "an hour of one core", "0.05", "DARKROOM_CORE_HOUR_PRICE")
    ] = None,
    write_price: Annotated[
        str | None,
        _price(_PRICES["writes"], "a thousand writes and lists of the store", "0.005", "DARKROOM_WRITE_PRICE"),
    ] = None,
    read_price: Annotated[
        str | None, _price(_PRICES["reads"], "a thousand reads of it", "0.0004", "DARKROOM_READ_PRICE")
    ] = None,
    storage_price: Annotated[
        str | None, _price(_PRICES["month"], "a gigabyte in it a month", "0.023", "DARKROOM_STORAGE_PRICE")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="STORE", help="The studio's store, where the figures lie. Default: DARKROOM_STUDIO_STORE."
        ),
    ] = None,
    measure: Annotated[
        bool,
        typer.Option(
            "--measure",
            help="First measure this machine and the store, which takes about half a minute, and keep the figures in "
            "the store: plans go by them from then on.",
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Say what pictures take: tasks, requests, core hours, hours on so many machines, money, storage.

    Nothing is made. The figures are those of the studio's store, as --measure put them there, else those of a reference
    machine. What is counted, and what is not, is in docs/scale.md.

    Example: darkroom estimate --composites 1900000 --machines 4 --cores 8 --core-hour-price '0.05 USD'
    """
    wanted = [name for name, one in (("--style", style), ("--composites", composites), ("--pyramids", pyramids)) if one]
    if len(wanted) > 1:
        raise BadInput(f"{' and '.join(wanted)}: give one of them at a time.")
    if not (wanted or measure):
        raise BadInput("Nothing is asked: give --style FILE, --composites N or --pyramids N, or --measure.")
    if style is None and (renders or combinations or length):
        raise BadInput("--renders, --combinations, --length: they are of a style; give --style FILE with them.")
    # what draws and times brings a compiler and libvips, which no mistyped command shall wait for
    from darkroom.compositing.request import Request
    from darkroom.estimates import prices_of
    from darkroom.estimating import forecast as model
    from darkroom.estimating import scenario
    from darkroom.figures import figures_of

    prices = prices_of(core_hour=core_hour_price, writes=write_price, reads=read_price, month=storage_price)
    studio = open_store(store if store is not None else settings().studio_store)
    figures = _measured(studio, json=json) if measure else figures_of(studio)
    if style is not None:
        request = Request(
            style_file=style,
            renders=renders,
            store=studio.uri,
            lengths=listed(length, "--length"),
            combinations=tuple(combinations or ()),
        )
        runs = scenario.of_style(request, figures)
    elif composites is not None:
        runs = scenario.composites(composites, figures, megapixels=megapixels or scenario.MEGAPIXELS)
    elif pyramids is not None:
        runs = scenario.pyramids(pyramids, figures, megapixels=megapixels or _DEFAULT_MEGAPIXELS)
    else:
        return
    fleet = model.Fleet(machines=machines, cores=cores or os.cpu_count() or 1)
    found = model.forecast(runs, fleet, figures, prices)
    if json:
        print_json(found)
    else:
        _print_forecast(found, figures, prices)


def _measured(studio: Store, *, json: bool) -> "Figures":
    """Measure, keep what was found, and say it."""
    from darkroom.estimating.measure import measure
    from darkroom.estimating.words import figure_rows
    from darkroom.figures import keep_figures

    with kept(lambda: "Nothing was kept; run the command again."):
        found = measure(studio)
        keep_figures(studio, found.figures)
    if json:
        print_json(found.figures)
        return found.figures
    table = Table(title=f"Figures of {found.figures.machine}", title_justify="left", show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    for what, said in figure_rows(found.figures):
        table.add_row(what, said)
    console, whole = Console(), found.whole
    console.print(table)
    console.print(
        f"A whole run of {whole.items:,} pictures took {human_seconds(whole.core_seconds)} of one core; these figures "
        f"say {human_seconds(whole.estimated)}. They are kept in {readable(studio.uri)}.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    return found.figures


def _print_forecast(found: "Forecast", figures: "Figures", prices: "Prices") -> None:
    from darkroom.estimating.words import forecast_rows

    table = Table(show_header=False)
    table.add_column("")
    table.add_column("", justify="right")
    for what, said in forecast_rows(found):
        table.add_row(what, said)
    console = Console()
    console.print(table)
    console.print(f"By the figures of {figures.machine}, {figures.measured}.", markup=False, highlight=False)
    if missing := [option for name, option in _PRICES.items() if getattr(prices, name) is None]:
        say = f"Without a price: {', '.join(missing)}; what that costs is left out."
        console.print(say, markup=False, highlight=False, soft_wrap=True)
