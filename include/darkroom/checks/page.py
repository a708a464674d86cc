"""What the checks found as one HTML page, whole in itself, for people who look at pictures."""

from collections.abc import Callable
from itertools import groupby

from darkroom.checks.check import Check
from darkroom.checks.findings import KINDS, SEVERITIES
from darkroom.checks.pictures import MOST, Give, Given, illustrate
from darkroom.checks.renders import too_large
from darkroom.imaging.png_header import HEADER_BYTES, png_size
from darkroom.reports.templating import render
from darkroom.store import Store, readable

MOST_FINDINGS = 1_000
"""So many findings are on a page, the worst; all of them stand in the JSON."""


def page(check: Check, give: Give, workers: int) -> bytes:
    """The page, in UTF-8; `give` gives the renders that its pictures show."""
    listed = check.findings[:MOST_FINDINGS]
    pictures, beyond = illustrate(listed, give, workers)
    groups = [
        (severity, kind, KINDS[kind][1], list(those))
        for (severity, kind), those in groupby(
            zip(listed, pictures, strict=True), key=lambda pair: (pair[0].severity, pair[0].kind)
        )
    ]
    text = render(
        "checks.html.jinja",
        check=check,
        renders=readable(check.renders),
        groups=groups,
        totals={name: sum(one.severity == name for one in check.findings) for name in SEVERITIES},
        kinds={kind: (KINDS[kind][0], KINDS[kind][1], count) for kind, count in check.counts.items()},
        more=len(check.findings) - len(listed),
        most=MOST,
        beyond=beyond,
    )
    return text.encode(errors="backslashreplace")  # a file's name may be no UTF-8


def renders_of(store: Store, max_pixels: int) -> Callable[[str], Given | None]:
    """The renders of a store, by key: of what is no PNG, or too large to be decoded, only that it cannot be shown."""

    def give(key: str) -> Given | None:
        with store.open(key) as reading:
            header = reading.stream.read(HEADER_BYTES)
            size = png_size(header)
            if size is None or too_large(size, max_pixels):
                return None
            return Given(header + reading.stream.read(), size)

    return give
