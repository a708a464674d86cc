"""Recipe digests: what a picture is made of and how, as one hash (DESIGN 6)."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from darkroom.compositing.profiles import COMPOSITE, CROPS, HEIGHT, KERNEL, RECIPE_VERSION, WIDTH
from darkroom.imaging.encode import ENCODER


def recipe_digest(layers: Sequence[str], cut: str) -> str:
    """sha256 of the canonical JSON of a cut's recipe; `layers` are the layers' content digests, bottom to top."""
    recipe = {
        "version": RECIPE_VERSION,
        "layers": list(layers),
        "output": {"width": WIDTH, "height": HEIGHT, "kernel": KERNEL, "encoder": asdict(ENCODER)},
    }
    if cut != COMPOSITE:
        recipe["cut"] = {"name": cut, **asdict(CROPS[cut])}
    return hashlib.sha256(json.dumps(recipe, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
