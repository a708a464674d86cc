"""Recipe digests: what a picture is made of and how, as one hash (DESIGN 6)."""

from collections.abc import Sequence

from darkroom.compositing.profiles import COMPOSITE, CROPS, PICTURE, RECIPE_VERSION
from darkroom.recipes import deciding, sha256_of


def recipe_digest(layers: Sequence[str], cut: str) -> str:
    """The recipe digest of one cut; `layers` are the layers' content digests, bottom to top."""
    recipe = {"version": RECIPE_VERSION, "layers": list(layers), "picture": deciding(PICTURE)}
    if cut != COMPOSITE:
        recipe["cut"] = {"name": cut, **deciding(CROPS[cut])}
    return sha256_of(recipe)
