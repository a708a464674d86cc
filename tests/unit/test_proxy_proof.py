"""A proxy is read again before it is written: whatever is not exactly the picture is never published."""

from collections.abc import Callable

import numpy as np
import pytest

from darkroom.failures import ValidateFailed
from darkroom.imaging.encode import encode
from darkroom.imaging.layers import digest
from darkroom.imaging.reduction import Picture
from darkroom.ingest.proxy import Proxies, require_shows
from tests.renders import pixels, png

PICTURE: Picture = np.random.default_rng(19).integers(0, 256, (80, 53, 4), dtype=np.uint8)
PICTURE[:, -1] = 0


def one_value_off() -> bytes:
    other = PICTURE.copy()
    other[5, 5, 1] ^= 1
    return encode(other)


def hidden_colour() -> bytes:
    other = PICTURE.copy()
    other[79, 52, 0] = 1  # of a pixel that is transparent
    return encode(other)


def flipped_byte() -> bytes:
    data = encode(PICTURE)
    return data[:3000] + bytes([data[3000] ^ 1]) + data[3001:]


def test_what_shows_the_picture_passes() -> None:
    require_shows(encode(PICTURE), PICTURE)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (one_value_off, "is another picture"),
        (lambda: encode(PICTURE[:-1]), "is another picture"),
        (hidden_colour, "is another picture"),
        (lambda: png(PICTURE[..., :3]), "cannot be read again"),
        (lambda: b"", "cannot be read again"),
        (lambda: encode(PICTURE)[:-40], "cannot be read again"),
        (flipped_byte, "cannot be read again"),
    ],
)
def test_what_does_not_is_refused(made: Callable[[], bytes], says: str) -> None:
    with pytest.raises(ValidateFailed, match=says):
        require_shows(made(), PICTURE)


def test_a_proxy_that_was_encoded_wrong_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    proxies = Proxies(1, 1 << 28, 1 << 20)
    render = png(pixels("t1_neckline_front", 0, 60))
    assert proxies.make(render, digest(render))
    monkeypatch.setattr("darkroom.ingest.proxy.encode", lambda picture, _: encode(picture[::-1]))
    with pytest.raises(ValidateFailed):
        proxies.make(render, digest(render))
