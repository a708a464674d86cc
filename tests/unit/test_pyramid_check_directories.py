"""The check of any pyramid, where its directories are made up: they never end, or claim what is not there."""

import struct
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile

from tests.pyramid_files import problems, written


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.tif"


def directory(number: int, data: bytes) -> int:
    """The offset of a directory of a TIFF."""
    offset: int = struct.unpack_from("<I", data, 4)[0]
    for _ in range(number):
        offset = struct.unpack_from("<I", data, offset + 2 + 12 * struct.unpack_from("<H", data, offset)[0])[0]
    return offset


def with_next(data: bytes, number: int, offset: int) -> bytes:
    """With another offset of the directory that follows one."""
    changed, start = bytearray(data), directory(number, data)
    struct.pack_into("<I", changed, start + 2 + 12 * struct.unpack_from("<H", data, start)[0], offset)
    return bytes(changed)


def with_tag(data: bytes, tag: int, value: int, count: int = 1) -> bytes:
    """With another value of a tag of the first directory."""
    changed, start = bytearray(data), directory(0, data)
    for at in range(start + 2, start + 2 + 12 * struct.unpack_from("<H", data, start)[0], 12):
        if struct.unpack_from("<H", data, at)[0] == tag:
            struct.pack_into("<HHII", changed, at, tag, 4, count, value)
            return bytes(changed)
    raise KeyError(tag)


ENDLESS: dict[str, Callable[[bytes], bytes]] = {
    "last_leads_to_the_first": lambda data: with_next(data, 2, directory(0, data)),
    "last_leads_to_itself": lambda data: with_next(data, 2, directory(2, data)),
    "first_leads_to_itself": lambda data: with_next(data, 0, directory(0, data)),
    "last_leads_out_of_the_file": lambda data: with_next(data, 2, 2**32 - 1),
    "last_leads_into_pixels": lambda data: with_next(data, 2, 9),
}


@pytest.mark.parametrize("defect", ENDLESS)
def test_directories_that_never_end_are_said_to_be_so(file: Path, defect: str) -> None:
    file.write_bytes(ENDLESS[defect](written(file).read_bytes()))
    began = time.monotonic()
    assert "it is no pyramid that can be read: " in problems(file)
    assert time.monotonic() - began < 5


def test_more_directories_than_a_pyramid_has_are_not_read(file: Path) -> None:
    with tifffile.TiffWriter(file) as writer:
        for _ in range(70):
            writer.write(np.zeros((16, 16), np.uint8), tile=(16, 16), metadata=None)
    assert "it has more than 64 directories" in problems(file)


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({256: 10**6, 257: 10**6}, "lacks 15,"),
        ({256: 10**6, 257: 10**6, 322: 2**16, 323: 2**16}, "lacks "),
        ({256: 10**5, 257: 10**5, 322: 10**5 + 8, 323: 10**5 + 8}, "is in tiles or strips of 28,6"),
        ({277: 2**16}, "which are not decoded"),
        ({322: 0}, "has tiles or strips without a size"),
        ({256: 0}, "has no size"),
    ],
)
def test_what_a_few_bytes_claim_is_not_decoded(file: Path, tags: dict[int, int], said: str) -> None:
    data = written(file).read_bytes()
    for tag, value in tags.items():
        data = with_tag(data, tag, value)
    file.write_bytes(data)
    began = time.monotonic()
    assert said in problems(file)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("tag", [258, 324, 325])
def test_counts_without_end_are_not_believed(file: Path, tag: int) -> None:
    data = written(file, pyvips.Image.black(900, 700, bands=3).copy(interpretation="srgb")).read_bytes()
    file.write_bytes(with_tag(data, tag, 8, count=2**32 - 1))
    assert problems(file)
