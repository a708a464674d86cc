"""Which place of scans an object lies in."""

from collections.abc import Iterable


def closest_place(uri: str, places: Iterable[str]) -> tuple[str, str] | None:
    """The place (a URI) that holds an object, the innermost of several, and the object's key there; None without one.

    >>> closest_place("s3://scans/maps/1890/a.jpg", ["s3://scans", "s3://scans/maps", "s3://scans/map"])
    ('s3://scans/maps', '1890/a.jpg')
    >>> closest_place("s3://scansmore/a.jpg", ["s3://scans"])
    """
    place = max((place for place in places if uri.startswith(f"{place}/")), key=len, default=None)
    return None if place is None else (place, uri[len(place) + 1 :])
