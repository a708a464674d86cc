"""Options that take many values, as a shell's `*.csv` gives them."""

from collections.abc import Sequence

_MANY = ("--combinations", "--length")


def spread(words: Sequence[str]) -> list[str]:
    """The command line with options that take many values (a shell's `*.csv`) written out one by one.

    >>> spread(["import", "--combinations", "a.csv", "b.csv", "--out", "x"])
    ['import', '--combinations', 'a.csv', '--combinations', 'b.csv', '--out', 'x']
    """
    out: list[str] = []
    option = ""
    for word in words:
        if word.startswith("-"):
            option = word if word in _MANY else ""
        elif option and out[-1] != option:
            out.append(option)
        out.append(word)
    return out
