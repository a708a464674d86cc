"""The HTTP headers that describe an object's content beside its type, and that its readers get with it."""

from collections.abc import Mapping

HEADERS = ("Cache-Control", "Content-Disposition", "Content-Encoding", "Content-Language")


def only_known(headers: Mapping[str, str] | None) -> dict[str, str]:
    """Headers that are to be written, without the empty ones. Raises `ValueError` for a name that is none of `HEADERS`.

    >>> only_known({"Content-Encoding": "gzip", "Cache-Control": ""})
    {'Content-Encoding': 'gzip'}
    """
    for name in headers or ():
        if name not in HEADERS:
            raise ValueError(f"{name!r} is none of the headers that a store keeps: {', '.join(HEADERS)}")
    return {name: value for name, value in (headers or {}).items() if value}
