"""Which pyramid belongs to which source, and where two claim the same."""

from collections import defaultdict
from collections.abc import Mapping
from pathlib import PurePosixPath

SUFFIX, PDF = ".tif", ".pdf"
IMAGES = frozenset(
    {
        *(
            "jpg",
            "jpeg",
            "jpe",
            "jfif",
            "png",
            "tif",
            "tiff",
            "webp",
            "gif",
            "avif",
            "heic",
            "heif",
            "pdf",
            "svg",
            "bmp",
        ),
        *("jp2", "eps", "psd"),
    }
)
"""Extensions by which an image is told from what lies beside it, where nobody looks into it."""

_LONGEST = 1024  # bytes of a key, as S3 and GCS have it


def target_of(source: str) -> str:
    """The key of a source's pyramid: the same, with `.tif` in the place of its extension.

    >>> target_of("maps/1890/sheet.2.jpg")
    'maps/1890/sheet.2.tif'
    >>> target_of("maps/scan")
    'maps/scan.tif'
    """
    path = PurePosixPath(source)
    return str(path.with_name(f"{path.stem}{SUFFIX}"))


def pyramid_in(folder: str, source: str) -> str:
    """The key of a source's pyramid in another folder.

    >>> pyramid_in("public/maps", "maps/1890/sheet.2.jpg")
    'public/maps/sheet.2.tif'
    """
    return target_of(str(PurePosixPath(folder) / PurePosixPath(source).name))


def copy_beside(pyramid: str) -> str:
    """Where a PDF's copy lies, by the key of its pyramid.

    >>> copy_beside("maps/1890/sheet.2.tif")
    'maps/1890/sheet.2.pdf'
    """
    return str(PurePosixPath(pyramid).with_suffix(PDF))


def beside(source: str) -> str:
    """What the keys of all begin with that could claim the same pyramid.

    >>> beside("maps/1890/sheet.2.jpg")
    'maps/1890/sheet.2.'
    """
    path = PurePosixPath(source)
    return str(path.with_name(f"{path.stem}."))


def unsafe(key: str) -> str:
    """Why a key from outside is not one that anything may be read from or written to; empty where it is.

    >>> unsafe("maps/../../secret.tif")
    "it leaves its folder with '..'"
    >>> unsafe("maps/1890/a #1.tif")
    ''
    """
    if not key or len(key.encode(errors="replace")) > _LONGEST:
        return f"a key has 1 to {_LONGEST} bytes"
    if any(part in ("..", ".") for part in key.split("/")):
        return "it leaves its folder with '..'" if ".." in key.split("/") else "a part of it is '.'"
    if key.startswith("/") or "//" in key or key.endswith("/"):
        return "a part of it between slashes is empty"
    if not key.isprintable():
        return "it has characters that cannot be printed"
    return ""


def claimed_twice(claims: Mapping[str, str]) -> dict[str, str]:
    """The sources that cannot have their pyramid because others would have the same one; with the reason of each.

    `claims` are the pyramids' keys by the names of their sources.

    >>> claimed_twice({"a.jpg": "a.tif", "b.jpg": "b.tif", "a.png": "a.tif"})
    {'a.jpg': 'a.png would have the same pyramid, a.tif', 'a.png': 'a.jpg would have the same pyramid, a.tif'}
    """
    claimants: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in claims.items():
        claimants[target].append(source)
    return {
        one: f"{', '.join(other for other in rivals if other != one)} would have the same pyramid, {target}"
        for target, rivals in claimants.items()
        if len(rivals) > 1
        for one in rivals
    }
