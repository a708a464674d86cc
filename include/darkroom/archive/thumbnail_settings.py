"""What a pair says of its thumbnails in WordPress."""

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from darkroom.publishing.templates import problems
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
    size: Annotated[int, Field(ge=16, le=2560)] = 1024  # of a larger one WordPress keeps a smaller copy
    quality: Annotated[int, Field(ge=1, le=100)] = 82
    title: str = "{name}"
    alt: Annotated[str, Field(alias="alt text")] = "{name}"
    post: PostSettings | None = None

    @property
    def location(self) -> str:
        """The site as a place that a job needs credentials for."""
        return f"wordpress+{self.site}"


def wrong_thumbnails(asked: ThumbnailSettings) -> Iterator[tuple[Path, str]]:
    """What cannot be, each with its place; the site is not asked."""
    parts = urlsplit(asked.site)
    if parts.scheme not in ("https", "http") or not parts.hostname or "@" in parts.netloc or parts.query:
        # not repeated: it may hold a password
        yield ("site",), "it is no site's address; write one as https://www.example.org, without a user and password."
    texts: dict[Path, tuple[str, bool]] = {("title",): (asked.title, False), ("alt text",): (asked.alt, False)}
    if asked.post:
        texts |= {("post", "title"): (asked.post.title, False), ("post", "content"): (asked.post.content, True)}
    for path, (template, content) in texts.items():
        yield from ((path, said) for said in problems(template, content=content))
