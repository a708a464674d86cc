"""The sample studio's six fabrics, and how a fabric looks from deep shadow to highlight."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# The tone at which a fabric shows its own colour; below it is shadow, above it is sheen.
OWN_TONE = 0.72


class Fabric(NamedTuple):
    """A dyed fabric: its name, its sRGB colour, and how far its highlights go towards white."""

    name: str
    rgb: tuple[int, int, int]
    shine: float


# The index is the colour number in a render's name: `_0000` is ivory.
COLOURS: tuple[Fabric, ...] = (
    Fabric("ivory", (238, 229, 212), 0.85),
    Fabric("blush", (226, 178, 170), 0.62),
    Fabric("sage", (158, 177, 152), 0.55),
    Fabric("dusty blue", (137, 163, 192), 0.55),
    Fabric("burgundy", (122, 30, 52), 0.42),
    Fabric("midnight", (38, 50, 92), 0.40),
)

# Buckles, buttons and beads keep their own colour, whatever the dress is dyed.
GOLD = Fabric("gold", (205, 164, 88), 0.9)


def ramp(fabric: Fabric) -> NDArray[np.uint8]:
    """Return the 256 colours, shape (256, 3), that a tone of 0 to 255 has in this fabric."""
    tone = np.linspace(0.0, 1.0, 256)[:, None]
    own = np.array(fabric.rgb, dtype=np.float64)[None, :] / 255.0
    # Weak channels fall faster in the shade: cloth in shadow gets richer, not greyer.
    depth = np.clip(tone / OWN_TONE, 0.0, 1.0) ** (0.95 + 0.75 * (own.max() - own))
    shadow = own * (0.10 + 0.90 * depth)
    glow = np.clip((tone - OWN_TONE) / (1.0 - OWN_TONE), 0.0, 1.0)
    colour = shadow + (1.0 - own) * fabric.shine * glow
    table: NDArray[np.uint8] = np.rint(np.clip(colour, 0.0, 1.0) * 255.0).astype(np.uint8)
    return table
