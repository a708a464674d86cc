"""What a pair says of its thumbnails in WordPress."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.yaml_lines import Path


class PostSettings(BaseModel):
    """The post about each image: drafted when there is none, updated when the image changes. Templates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["draft", "publish", "private"] = "draft"
    title: str = "{name}"
    content: str = "{image}"


class ThumbnailSettings(BaseModel):
    """Where thumbnails go, how large they are (pixels of the longer side) and what is said of them (templates)."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    site: str
    size: Annotated[int, Field(ge=16, le=2560)] = 1024
    quality: Annotated[int, Field(ge=1, le=100)] = 82
    title: str = "{name}"
    alt: Annotated[str, Field(alias="alt text")] = "{name}"
    post: PostSettings | None = None


def wrong_thumbnails(asked: ThumbnailSettings) -> Iterator[tuple[Path, str]]:
    """What cannot be, each with its place."""
    yield from ()
