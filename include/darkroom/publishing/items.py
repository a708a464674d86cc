"""Media and posts as a WordPress site's REST API has them, and how those that Darkroom wrote are told.

They are found by slugs that are made of their source, and carry a mark in an HTML comment that says what was written:
of a media in its description the MD5 of the thumbnail, of a post at the end of its content the MD5 of title and text.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from typing import Annotated, Generic, TypeVar
from urllib.parse import quote, urljoin

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from darkroom.failures import DownloadFailed
from darkroom.outside import web

_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 80  # characters of a file's name: WordPress adds its sizes to it


def _web_url(url: str) -> str:
    try:
        web.address_of(url)
    except DownloadFailed as failure:
        raise ValueError(str(failure)) from None
    return url


def _file_name(name: str) -> str:
    if "/" in name or not name.isprintable():
        raise ValueError("it is no file's name")
    return name


_Url = Annotated[str, AfterValidator(_web_url)]


class _Answer(BaseModel):
    """A part of an answer, whose other fields do not matter."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _Text(_Answer):
    raw: str | None = None


class _Details(_Answer):
    original_image: Annotated[str, Field(max_length=255), AfterValidator(_file_name)] | None = None
    """The name of what was uploaded, where WordPress shows a smaller one (above 2,560 pixels)."""


class Item(_Answer):
    """What media and posts have alike. `title.raw` is HTML, as WordPress shows it."""

    id: Annotated[int, Field(gt=0, lt=1 << 63, strict=True)]
    slug: Annotated[str, Field(max_length=200)]
    status: Annotated[str, Field(max_length=40)]
    title: _Text = _Text()


class Attachment(Item):
    """A media (https://developer.wordpress.org/rest-api/reference/media/#schema)."""

    source_url: _Url
    alt_text: str = ""
    description: _Text = _Text()
    # PHP writes an empty table as a list
    media_details: Annotated[_Details, BeforeValidator(lambda found: found or {})] = _Details()
    missing_image_sizes: list[str] = []

    @property
    def text(self) -> str:
        """Where its mark is."""
        return self.description.raw or ""

    @property
    def original(self) -> str:
        """The URL of the file as it was uploaded."""
        name = self.media_details.original_image
        return urljoin(self.source_url, quote(name)) if name else self.source_url


class Article(Item):
    """A post (https://developer.wordpress.org/rest-api/reference/posts/#schema)."""

    link: _Url
    content: _Text = _Text()
    featured_media: Annotated[int, Field(ge=0, strict=True)] = 0

    @property
    def text(self) -> str:
        """Where its mark is."""
        return self.content.raw or ""


I = TypeVar("I", Attachment, Article)  # noqa: E741 -- an item


@dataclass(frozen=True, slots=True)
class Kind(Generic[I]):
    """Something that is found by its slug: its route, and the statuses in which it may be."""

    route: str
    word: str
    model: type[I]
    statuses: str
    fields: str

    @property
    def query(self) -> dict[str, object]:
        """What every request asks an answer to hold."""
        return {"context": "edit", "_fields": f"id,slug,status,title,{self.fields}"}


MEDIA = Kind(
    "media",
    "media",
    Attachment,
    "inherit,private,trash",
    "source_url,alt_text,description,media_details,missing_image_sizes",
)
POSTS = Kind("posts", "post", Article, "publish,future,draft,pending,private,trash", "link,content,featured_media")


def apart(found: list[I]) -> tuple[list[I], list[I]]:
    """Those that stand and those in the trash, the oldest first."""
    found = sorted(found, key=lambda item: item.id)
    return [item for item in found if item.status != "trash"], [item for item in found if item.status == "trash"]


def media_slug(digest: str) -> str:
    """The slug of a source's thumbnail. Raises `ValueError` for what is no hash in hex digits."""
    if not re.fullmatch("[0-9a-f]{8,128}", digest):
        raise ValueError("a source's hash is written in hex digits")
    return f"darkroom-{digest}"


def post_slug(source: str) -> str:
    """The slug of a source's post, by the source's URI."""
    return f"darkroom-source-{hashlib.sha256(source.encode(errors='surrogatepass')).hexdigest()[:32]}"


def upload_name(name: str, digest: str) -> str:
    """The name of a thumbnail's file, which every server takes, of a source's.

    >>> upload_name("Café 7 .php.tif", "9e107d9d"), upload_name("図.png", "9e107d9d")
    ('Cafe-7-php.jpg', '9e107d9d.jpg')
    """
    stem = name.rpartition(".")[0] or name
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", "ignore").decode()
    return f"{_NAME.sub('-', plain)[:_LONGEST_NAME].strip('-_') or digest}.jpg"


def comment_of(slug: str, digest: str) -> str:
    """The mark of what was written for a slug."""
    return f"<!-- {slug} {digest} -->"


def mark_of(slug: str) -> re.Pattern[str]:
    """Finds the mark in a text, with the block that a post has it in; its group is the digest."""
    comment = comment_of(re.escape(slug), "([0-9a-f]{32})")
    return re.compile(rf"(?:\n{{0,2}}<!-- wp:html -->\n)?{comment}(?:\n<!-- /wp:html -->)?")


def signed(slug: str, title: str, content: str) -> dict[str, str]:
    """A title and a content that say of themselves that nobody has edited them: in a block of the block editor."""
    comment = comment_of(slug, _digest(title, content))
    return {"title": title, "content": f"{content}\n\n<!-- wp:html -->\n{comment}\n<!-- /wp:html -->"}


def is_untouched(post: Article, slug: str) -> bool:
    """Whether a post is still as it was written."""
    mark = mark_of(slug).search(post.text)
    if mark is None or post.text[mark.end() :].strip():
        return False
    return mark[1] == _digest(post.title.raw or "", post.text[: mark.start()])


def md5(data: bytes) -> str:
    """As WordPress and marks have it, for nothing that has to be secure."""
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _digest(title: str, content: str) -> str:
    # spaces at the ends are not kept by everything that a text comes through
    return md5(f"{title.strip()}\n{content.strip()}".encode(errors="surrogatepass"))
