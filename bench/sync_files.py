"""The folders that are synced: a shop's photos, many small files, and a million names."""

import hashlib
import os
from pathlib import Path

import pyvips

from bench.listing_server import CONTENT, FOLDER, key

_DRAWN = 8
_SHOP = 40  # photos and menus of one
_MARKER, _LARGEST = b"\xff\xfe", 65_533  # a comment of a JPEG, and how long one can be


def photos(folder: Path, count: int, size: int) -> None:
    """So many JPEGs of `size` bytes, as the rules `stores` have them: of few pictures, each with its own comment."""
    drawn = [_draw(seed) for seed in range(_DRAWN)]
    for number in range(count):
        shop, of_shop = divmod(number, _SHOP)
        kind = "menus" if of_shop % 2 else "photos"
        file = folder / "stores" / f"shop-{shop + 1:04}" / kind / f"{of_shop // 2 + 1}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(_commented(drawn[number % _DRAWN], size))


def _draw(seed: int) -> bytes:
    """A picture that is little but noise, in somewhat less than 20 KB."""
    bands = [pyvips.Image.gaussnoise(240, 180, mean=128, sigma=30, seed=3 * seed + band) for band in range(3)]
    image = bands[0].bandjoin(bands[1:]).cast("uchar").copy(interpretation="srgb")
    return bytes(image.jpegsave_buffer(Q=80, keep="none"))


def _commented(jpeg: bytes, size: int) -> bytes:
    """A JPEG that a comment of random bytes makes `size` bytes long."""
    comment = os.urandom(size - len(jpeg) - 4)
    assert 8 <= len(comment) <= _LARGEST - 2
    return b"".join((jpeg[:2], _MARKER, (len(comment) + 2).to_bytes(2, "big"), comment, jpeg[2:]))


def small(folder: Path, count: int, size: int) -> None:
    """So many files of random bytes."""
    for number in range(count):
        file = folder / key(number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(os.urandom(size))


def linked(folder: Path, folders: int) -> None:
    """Folders full of the simulated listing's files, those of each folder hard links to one: names are what is many."""
    for number in range(folders):
        first = folder / key(number * FOLDER)
        first.parent.mkdir(parents=True)
        first.write_bytes(CONTENT)
        for other in range(number * FOLDER + 1, (number + 1) * FOLDER):
            os.link(first, folder / key(other))


def hashes(folder: Path) -> dict[str, str]:
    """The MD5 of each file, by its path as a key."""
    return {
        file.relative_to(folder).as_posix(): hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def change(file: Path) -> None:
    """Other bytes in the same file, its size and its time as they were: only the ctime tells."""
    seen = file.stat()
    with file.open("r+b") as handle:
        handle.write(bytes(byte ^ 0xFF for byte in file.read_bytes()))
    os.utime(file, ns=(seen.st_atime_ns, seen.st_mtime_ns))
