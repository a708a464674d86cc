"""Sizes and durations as people read them."""


def human_bytes(count: float) -> str:
    """A size as people read it.

    >>> human_bytes(12_345_678)
    '12.3 MB'
    """
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def counted(count: int, what: str) -> str:
    """So many things of a kind.

    >>> counted(1, "picture"), counted(2400, "image")
    ('1 picture', '2,400 images')
    """
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def human_seconds(seconds: float) -> str:
    """A duration as people read it.

    >>> human_seconds(75)
    '1 min 15 s'
    """
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
