"""The section of the fitting room."""

from collections.abc import Iterator
from pathlib import Path

from rich.console import Group

from bench.fitting_room import BAR, Findings
from bench.page import FITTING_ROOM, Row, conditions, held, markdown, put_section, table

HEAD = ("the last click", "picks", "median", "95th percentile", "slowest")


def write(docs: Path, found: Findings, *, quick: bool) -> None:
    """Write the section."""
    put_section(docs, FITTING_ROOM, _lines(found, quick=quick))


def tables(found: Findings) -> Group:
    """For a terminal."""
    return Group(table("From the last click to the picture", HEAD, rows(found)))


def rows(found: Findings) -> Iterator[Row]:
    """How it was clicked, how often, milliseconds; with the bar."""
    for how, took in found.took.items():
        high = found.at(how, 0.95)
        bar = f"{high:.0f} ms, bar {BAR:.0f} ms {held(high <= BAR)}"
        yield how, str(len(took)), f"{found.median(how):.0f} ms", bar, f"{max(took):.0f} ms"


def _lines(found: Findings, *, quick: bool) -> Iterator[str]:
    yield from conditions(quick, f"Chromium {found.chromium}, headless and without a GPU, on the same cores")
    yield ""
    yield from markdown(HEAD, rows(found))
    yield _METHOD.format(layers=found.layers)


_METHOD = """
### How the fitting room is measured

The sample dress ({layers} layers in six colours) is drawn, ingested, and served from a folder by `airflow api-server`
with one worker; Chromium opens the page with a login. A script clicks controls at random, with a fixed seed. Measured
is from the click to behind the frame that shows the new picture, by the browser's own clock: the stack is resolved,
the proxies that it lacks are fetched (with a check of the login and of the rights), decoded and drawn. In the first
row each click follows a page that was just loaded with an empty cache, and changes every layer; in the others it
follows as soon as the last picture stands, faster than a person, so that little was fetched ahead.
"""
