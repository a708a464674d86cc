"""How pictures become files: data, which forms read while DAGs are parsed."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Encoder:
    """How a picture becomes a PNG: the filter of its rows, zlib-ng's level, and the resolution in pixels a metre."""

    filter: Literal["up"]
    compression: int
    pixels_per_metre: int


ENCODER = Encoder(filter="up", compression=3, pixels_per_metre=6772)  # 172 dpi
