"""Which pyramid belongs to which source, and where two claim the same."""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

SUFFIX = ".tif"


def target_of(source: str) -> str:
    """The key of a source's pyramid: the same, with `.tif` in the place of its extension.

    >>> target_of("maps/1890/sheet.2.jpg")
    'maps/1890/sheet.2.tif'
    >>> target_of("maps/scan")
    'maps/scan.tif'
    """
    path = PurePosixPath(source)
    return str(path.with_name(f"{path.stem}{SUFFIX}"))


def claimed_twice(sources: Iterable[str]) -> dict[str, str]:
    """The sources that cannot have their pyramid because others would have the same one; with the reason of each.

    >>> claimed_twice(["a.jpg", "b.jpg", "a.png"])
    {'a.jpg': 'a.png would have the same pyramid, a.tif', 'a.png': 'a.jpg would have the same pyramid, a.tif'}
    """
    claims: defaultdict[str, list[str]] = defaultdict(list)
    for source in sources:
        claims[target_of(source)].append(source)
    return {
        one: f"{', '.join(other for other in rivals if other != one)} would have the same pyramid, {target}"
        for target, rivals in claims.items()
        if len(rivals) > 1
        for one in rivals
    }
