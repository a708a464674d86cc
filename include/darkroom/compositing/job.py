"""A compositing job: sheets of one style, each one colour and side with the lengths that share its layers."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

from darkroom.jobs import Job


class Layout(StrEnum):
    """How pictures lie in the store: each under every name it has, or each once under its sha256, with an index."""

    NAMES = "names"
    CONTENT = "content"


class LayerFile(BaseModel):
    """A layer's render, pinned to the version that the plan saw."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    etag: str


class Group(BaseModel):
    """Pictures that are one picture: a stack (numbers into the sheet's layers, bottom to top) under every name it has.

    `cuts` says which cuts are wanted, each with the recipe digest that stands there whole now, or nothing: where
    the layers turn out to be the same as then, that cut need not be made. `replaces` says by name and cut which ETag
    may be replaced; of what it does not name, there must be none.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    stack: tuple[int, ...]
    names: tuple[str, ...]
    cuts: dict[str, str]
    replaces: dict[str, dict[str, str]] = {}


class Sheet(BaseModel):
    """One colour and side."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    colour: int
    side: str
    layers: tuple[LayerFile, ...]
    groups: tuple[Group, ...]


class CompositingJob(Job):
    """A job file of the flow `compositing`."""

    style: str
    renders: str
    """URI of the renders' store; the layers' keys are relative to it."""
    width: int
    """Of the widest render, in pixels."""
    layout: Layout
    sheets: tuple[Sheet, ...]
