"""Large objects read ahead in steps: in order, hashed on the way, in memory that is used again."""

import os

import pytest

from darkroom.errors import Damaged
from darkroom.store.hashes import Hashes, hash_bytes
from darkroom.store.streams import STEP, RangedStream, give_back, take

DATA = os.urandom(6 * STEP + 123)


def stream_of(data: bytes, hashes: Hashes) -> RangedStream:
    def fetch(start: int, into: memoryview) -> None:
        into[:] = data[start : start + len(into)]

    return RangedStream(fetch, start=0, stop=len(data), name="a.tif", hashes=hashes)


def test_steps_that_were_given_back_are_filled_with_what_comes_next() -> None:
    parts, buffers = list[bytes](), set[int]()
    with stream_of(DATA, hash_bytes(DATA, "md5")) as stream:
        kept = []
        while block := take(stream, STEP):  # type: ignore[arg-type]
            parts.append(bytes(block))
            buffers.add(id(block))
            kept.append(block)
            give_back(stream, block)  # type: ignore[arg-type]
    assert b"".join(parts) == DATA
    assert len(buffers) < len(parts)


def test_steps_that_nobody_gives_back_keep_their_bytes() -> None:
    with stream_of(DATA, hash_bytes(DATA, "md5")) as stream:
        blocks = []
        while block := take(stream, STEP):  # type: ignore[arg-type]
            blocks.append(block)
    assert b"".join(blocks) == DATA


def test_the_strongest_hash_that_is_known_is_enough_to_find_other_bytes() -> None:
    wrong = Hashes(md5="0" * 32, crc32c=hash_bytes(DATA, "crc32c").crc32c)
    with stream_of(DATA, wrong) as stream, pytest.raises(Damaged, match=f"MD5 .* instead of {'0' * 32}"):
        stream.read()
