"""What a proxy is: data, not code; and the recipe that it is made by."""

from darkroom.compositing.profiles import PICTURE
from darkroom.recipes import deciding, sha256_of

RECIPE_VERSION = 1
"""Raise it when the same render and profile would give other pixels: every proxy is then made again."""

PROXY = PICTURE
"""A render fitted into 800x800, at 172 dpi: reduced and written as the composite of it alone would be."""


def recipe_digest(sha256: str) -> str:
    """The recipe digest of a render's proxy, by its content's sha256 (hex)."""
    return sha256_of({"version": RECIPE_VERSION, "render": sha256, "proxy": deciding(PROXY)})
