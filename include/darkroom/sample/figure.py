"""The body that wears the sample dress: its measures, and the outlines of the bodices on it."""

from __future__ import annotations

from typing import Literal

from darkroom.sample.canvas import Outline, Plane, Point, curve, hermite, mirrored

Side = Literal["front", "back"]
Neck = Literal["base", "t1", "t2", "t3"]

# One centimetre is about 9.6 units: 40 cm from shoulder to waist, 104 cm from waist to floor.
# The waist is at y 520.
BELT_TOP, BELT_FOOT = 504.0, 548.0

TORSO: tuple[Point, ...] = (
    (90.0, 150.0), (200.0, 158.0), (300.0, 164.0), (345.0, 168.0), (385.0, 165.0),
    (430.0, 152.0), (475.0, 137.0), (520.0, 128.0), (560.0, 138.0),
)  # fmt: skip

# length -> (hem, half width there)
LENGTHS: dict[str, tuple[float, float]] = {
    "micro_mini": (866.0, 258.0),
    "knee": (1088.0, 326.0),
    "maxi": (1488.0, 424.0),
}

# The right half of each neckline, from the centre up to the inner end of the strap.
_NECKS: dict[tuple[Neck, Side], tuple[Point, ...]] = {
    ("base", "front"): ((0, 288), (42, 282), (78, 250), (97, 192), (103, 124)),
    ("base", "back"): ((0, 208), (44, 201), (78, 178), (96, 150), (103, 124)),
    ("t1", "front"): ((0, 392), (20, 350), (54, 268), (82, 186), (96, 120)),
    ("t1", "back"): ((0, 318), (22, 284), (54, 226), (82, 166), (96, 120)),
    ("t2", "front"): ((0, 112), (26, 109), (48, 100), (58, 88)),
    ("t2", "back"): ((0, 96), (26, 95), (48, 91), (58, 86)),
    ("t3", "front"): ((0, 338), (14, 316), (46, 282), (88, 264), (128, 272), (162, 304)),
    ("t3", "back"): ((0, 322), (60, 318), (120, 310), (165, 304)),
}
# From the outer end of the strap down to the underarm.
_ARMHOLES: dict[Neck, tuple[Point, ...]] = {
    "base": ((135, 131), (130, 196), (136, 256), (167, 316)),
    "t1": ((146, 130), (135, 196), (138, 256), (167, 316)),
    "t2": ((60, 92), (74, 150), (104, 226), (168, 312)),
    "t3": ((166, 308), (168, 318)),
}
_SIDE: tuple[Point, ...] = ((168, 330), (168, 352), (164, 388), (152, 430), (137, 475), (128, 515))
_FOOT: tuple[Point, ...] = ((128, 515), (90, 519), (45, 522), (0, 523))


def torso_width(y: Plane) -> Plane:
    """Return half the width of the body at each height, from the neck to the waist."""
    return hermite(TORSO, y)


def skirt_width(length: str, y: Plane, *, flare: float = 1.0) -> Plane:
    """Return half the width of an A-line skirt at each height; `flare` widens its hem."""
    hem, wide = LENGTHS[length]
    knots = [(500.0, 125.0), (525.0, 127.0), (570.0, 145.0), (650.0, 182.0), (735.0, 208.0)]
    if hem > 1000.0:
        # A long skirt falls almost straight from the hips, and opens towards the hem.
        knots.append(((735.0 + hem) / 2.0, 0.53 * 208.0 + 0.43 * wide * flare))
    return hermite((*knots, (hem, wide * flare)), y)


def neckline(neck: Neck, side: Side) -> Outline:
    """Return the right half of the neck's edge, from the centre to the strap."""
    return curve(_NECKS[neck, side])


def armhole(neck: Neck) -> Outline:
    """Return the right armhole's edge, from the strap to the underarm."""
    return curve(_ARMHOLES[neck])


def bodice(neck: Neck, side: Side) -> Outline:
    """Return the bodice's whole outline."""
    return mirrored(neckline(neck, side), armhole(neck), curve(_SIDE), curve(_FOOT))


def inside(neck: Neck) -> Outline:
    """Return the inside of the back that one sees through the front's neck."""
    return mirrored(neckline(neck, "back"), curve(((120, 140), (112, 300), (60, 410), (0, 420))))
