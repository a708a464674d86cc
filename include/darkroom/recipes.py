"""What decides an output, as one hash: a profile counts whole, whatever fields it will have."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

PROSE = {"prose": True}
"""The metadata of a profile's field that is read by people only: it decides nothing of what is made."""


def deciding(profile: Any) -> dict[str, Any]:
    """Every field of a profile (a dataclass, with those in it) but its prose.

    A profile is every number and word that decides what is made. What code decides (a kernel's curve, how sizes are
    rounded) is in the flow's `RECIPE_VERSION`.
    """
    values = {one.name: getattr(profile, one.name) for one in fields(profile) if one.metadata != PROSE}
    return {name: deciding(value) if is_dataclass(value) else value for name, value in values.items()}


def sha256_of(recipe: Mapping[str, Any]) -> str:
    """The sha256 of a recipe's canonical JSON, in hex."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
