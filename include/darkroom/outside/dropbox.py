"""Folders of Dropbox: what changed in one since a cursor, and a revision's bytes (DESIGN 10).

    dropbox = Dropbox(access)
    for page in dropbox.changes(folder_of("dropbox:/Renders/FP DR1003"), cursor):
        ...
    with dropbox.open(file) as stream:
        ...

Dropbox's own library does the asking (`dropbox_calls`), which takes two seconds to import and so comes with the first
request. What it answers is believed no more than a stranger's word.
"""

import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, BinaryIO

from darkroom.errors import BadInput, SourceChanged, StoreError
from darkroom.outside.content_hash import ContentHash
from darkroom.outside.dropbox_errors import CursorReset
from darkroom.store.access import NO_ACCESS, Access

if TYPE_CHECKING:
    from requests import Response

    from darkroom.outside.dropbox_calls import Calls

__all__ = ["SCHEME", "CursorReset", "Dropbox", "DropboxFile", "Page", "folded", "folder_of", "is_dropbox"]

SCHEME = "dropbox:"
"""How a folder's location begins: `dropbox:/Renders/FP DR1003`; `dropbox:/` is all of it."""

_PAGES = 100_000  # more than that is no listing, but a service that does not end
_EMPTY = 1_000  # so are so many pages in a row without an entry
_CHANGED = "it changed since plan"


@dataclass(frozen=True, slots=True)
class DropboxFile:
    """A revision of a file. `path` is below the folder, as Dropbox displays it, in whatever Unicode form that is.

    `content_hash` is Dropbox's own, 64 hex digits (`ContentHash`); `modified` is the server's time, in UTC.
    """

    path: str
    rev: str
    size: int
    content_hash: str
    modified: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the changes. `removed` counts before `files`, and page after page in their order.

    `removed` are paths below the folder, of files or of folders with all that lay in them; "" is the folder itself.
    Dropbox tells names apart without case: compare by `folded`. `refused` are path and reason of what lies there and
    cannot be had. `cursor` leads to what comes after this page, now or in weeks.
    """

    files: tuple[DropboxFile, ...]
    removed: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]
    cursor: str


def is_dropbox(location: str) -> bool:
    """Is it a folder of Dropbox that a location names?"""
    return location.startswith(SCHEME)


def folder_of(location: str) -> str:
    """The path that a location names, as Dropbox wants it. Raises `BadInput`.

    >>> folder_of("dropbox:/Renders/FP DR1003/")
    '/Renders/FP DR1003'
    >>> folder_of("dropbox:/")
    ''
    """
    path = location.removeprefix(SCHEME)
    if not is_dropbox(location) or not path.startswith("/") or path.startswith("//"):
        raise BadInput(f"{_shown(location)}: it is no folder of Dropbox; write dropbox:/path/of/folder.")
    path = path.rstrip("/")
    if path and (why := _odd(path[1:])):
        raise BadInput(f"{_shown(location)}: {why}; write dropbox:/path/of/folder as dropbox.com shows it.")
    return path


def folded(path: str) -> str:
    """What two paths have in common that Dropbox takes for one.

    >>> folded("Renders/T1_Belt.PNG")
    'renders/t1_belt.png'
    """
    return unicodedata.normalize("NFC", path).lower()


class Dropbox:
    """Dropbox as one access sees it (`dropbox_calls.Calls` says by which variables). Thread-safe.

    Paths are those that dropbox.com shows: in a team's space, they begin at the team's root. Every method raises
    `Denied` where Dropbox refuses the access or a right is missing, `Unavailable` where it cannot be used now, does not
    answer in time or the token has expired, and `StoreError` for an answer that is none.
    """

    def __init__(self, access: Access = NO_ACCESS) -> None:
        self._access = access

    def changes(self, folder: str, cursor: str = "") -> Iterator[Page]:
        """What changed in a folder (see `folder_of`) and below since a page's cursor; without one, all that is there.

        Raises `NotFound` where there is no such folder (any more), `BadInput` where it is a file, and `CursorReset`.
        """
        root = self._root(folder)
        seen: set[bytes] = set()
        empty = 0
        for _ in range(_PAGES):
            answer = self._calls.listing(folder, cursor)
            page = _page(answer, root, folder)
            empty = 0 if answer.entries else empty + 1
            digest = sha256(page.cursor.encode(errors="surrogatepass")).digest()
            if answer.has_more and (digest in seen or page.cursor == cursor or empty > _EMPTY):
                break
            seen.add(digest)
            yield page
            if not answer.has_more:
                return
            cursor = page.cursor
        raise StoreError(f"{SCHEME}{folder or '/'}: Dropbox lists it without an end; try again later.")

    def open(self, file: DropboxFile, offset: int = 0, before: ContentHash | None = None) -> BinaryIO:
        """The bytes of exactly this revision from `offset` on; a broken connection is taken up where it broke.

        Where the stream has the whole file (offset 0), or `before` is the hash of the bytes before `offset`, its last
        bytes come only if the content hash is the file's: otherwise that read raises `Damaged`. The revision of a file
        that was changed or removed since can be had for some weeks; where it cannot, this raises `SourceChanged`.
        """
        from darkroom.outside.dropbox_stream import Revision

        whole = before.copy() if before else ContentHash()
        proof = whole if before or not offset else None
        return io.BufferedReader(
            Revision(partial(self._media, file), file, offset, proof, self._calls.retries), 1 << 18
        )

    def _media(self, file: DropboxFile, start: int) -> "Response":
        metadata, answer = self._calls.media(file.rev, file.path, start)
        if (metadata.rev, metadata.size, metadata.content_hash) != (file.rev, file.size, file.content_hash):
            answer.close()
            raise SourceChanged(f"{_shown(file.path)}: {_CHANGED}")
        return answer

    def _root(self, folder: str) -> str:
        """The path of a folder as Dropbox compares it."""
        if not folder:
            return ""
        return self._calls.folder(folder)

    @cached_property
    def _calls(self) -> "Calls":
        from darkroom.outside.dropbox_calls import Calls

        return Calls(self._access)


def _page(answer: Any, root: str, folder: str) -> Page:
    """A page of the library's entries. `root` is the folder's path in lower case."""
    from dropbox import files

    found: dict[str, DropboxFile] = {}
    removed: dict[str, str] = {}
    refused: dict[str, tuple[str, str]] = {}
    for entry in answer.entries:
        if isinstance(entry, files.FolderMetadata):
            continue
        if not entry.path_lower or not entry.path_display:
            refused[entry.name] = (_shown(entry.name), "it lies in a shared folder that is not mounted; mount it")
            continue
        lower, path = entry.path_lower, _below(entry, root, folder)
        if isinstance(entry, files.DeletedMetadata):
            # with all that this page had there before
            for known in (found, refused):
                for one in [one for one in known if one == lower or one.startswith(f"{lower}/")]:
                    del known[one]
            removed[lower] = path
            continue
        found.pop(lower, None)
        refused.pop(lower, None)
        if why := _odd(path) or _unfit(entry):
            refused[lower] = (_shown(path), why)
        else:
            modified = entry.server_modified.replace(tzinfo=UTC)
            found[lower] = DropboxFile(path, entry.rev, entry.size, entry.content_hash, modified)
    return Page(tuple(found.values()), tuple(removed.values()), tuple(refused.values()), answer.cursor)


def _below(entry: Any, root: str, folder: str) -> str:
    """An entry's path below the folder, as displayed: there, the folder's own part may be written otherwise."""
    parts = entry.path_display.split("/")
    depth = root.count("/") + 1
    inside = entry.path_lower == root or entry.path_lower.startswith(f"{root}/")
    if not inside or len(parts) != entry.path_lower.count("/") + 1:
        raise StoreError(f"{SCHEME}{folder or '/'}: Dropbox's answer is not understood: it lists what lies elsewhere.")
    return "/".join(parts[depth:])


def _unfit(entry: Any) -> str:
    """Why a file cannot be had; empty where it can."""
    if not entry.is_downloadable:
        return "it is a document of Dropbox's own and no file; export it, and put that there"
    if entry.symlink_info is not None:
        return "it is a link and no file; put the file there"
    if not entry.content_hash:
        return "Dropbox knows no hash of it; put it there again"
    return ""


def _odd(path: str) -> str:
    """Why no file can have this path; empty where one can. Dropbox itself would allow none of these."""
    if any(part in ("", ".", "..") for part in path.split("/")):
        return "its path has an empty part, or . or .. as one"
    if "\0" in path:
        return "its path has a zero byte"
    try:
        path.encode()
    except UnicodeEncodeError:
        return "its path is no text"
    return ""


def _shown(path: str) -> str:
    return path if path.isprintable() else ascii(path)[1:-1]
