"""The truth tables that stand in docstrings, for the tests that hold the functions to them."""

from collections.abc import Callable, Iterator


def rows(function: Callable[..., object]) -> Iterator[dict[str, str]]:
    """The rows of the table in a docstring, by the table's heads."""
    lines = [line.strip() for line in (function.__doc__ or "").splitlines() if line.strip().startswith("|")]
    heads, *rest = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if "---" not in line]
    return (dict(zip(heads, cells, strict=True)) for cells in rest)
