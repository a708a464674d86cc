"""The thumbnail of a copy: made of the copy itself, posted to the pair's WordPress, found again by the copy's hash."""

import logging
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from darkroom.amounts import human_bytes
from darkroom.archive.job import PostItem
from darkroom.archive.thumbnail_settings import ThumbnailSettings
from darkroom.errors import BadInput, StoreError
from darkroom.failures import DecodeFailed, StepFailed, WriteFailed
from darkroom.imaging.formats import BEGINNING
from darkroom.imaging.source import said
from darkroom.jobs import Outcome, State
from darkroom.publishing.templates import Facts, Picture, filled, filled_content
from darkroom.publishing.thumbnails import is_image, thumbnail
from darkroom.publishing.wordpress import Post, WordPress
from darkroom.settings import settings
from darkroom.store import Entry, Store
from darkroom.store.hashes import Hasher
from darkroom.workspace import place, workspace

log = logging.getLogger(__name__)

MEDIA, POST = "media", "post"
"""The facts of a thumbnail: its id in the media library, and that of its post."""

_ROOM = 256 << 20  # bytes of disk that are left to others
_BLOCK = 1 << 20


@contextmanager
def posting(target: Store, asked: ThumbnailSettings) -> Iterator["Posting"]:
    """What posts the thumbnails of copies in `target`, and the temporary folder that it needs."""
    with workspace() as folder:
        yield Posting(target, asked, folder)


class Posting:
    """Posts thumbnails, from many threads."""

    def __init__(self, target: Store, asked: ThumbnailSettings, folder: Path) -> None:
        self._target, self._asked, self._folder = target, asked, folder
        self._wrong = ""
        try:
            self._site: WordPress | None = WordPress(asked.site, target.access)
        except BadInput as error:  # the copies are made all the same
            self._site, self._wrong = None, " ".join(error.problems)

    def do(self, item: PostItem, copied: bool) -> Outcome:
        """Post the thumbnail of a copy, if that is an image. A failure is the item's own."""
        began = time.monotonic()
        try:
            if not copied:
                raise StoreError("it has no thumbnail, as it could not be copied")
            became = self._posted(item)
        except DecodeFailed as failure:
            became = {"state": State.REFUSED, "reason": f"it has no thumbnail: {failure}", "kind": failure.kind}
        except StepFailed as failure:
            became = {"state": State.FAILED, "reason": str(failure), "kind": failure.kind}
        except StoreError as error:
            became = {"state": State.FAILED, "reason": str(error).rstrip("."), "kind": WriteFailed.kind}
        except Exception as error:  # hostile bytes bring libraries to any error, and the other thumbnails go on
            log.warning("An error that nobody foresaw: %s", item.name, exc_info=True)
            reason = f"it brought an error that nobody foresaw: {said(error)}"
            became = {"state": State.FAILED, "reason": reason, "kind": DecodeFailed.kind}
        where = "" if became["state"] in (State.DONE, State.SKIPPED) else item.source
        seconds = round(time.monotonic() - began, 3)
        return Outcome(item=item.name, group=item.group, where=where, seconds=seconds, **became)

    def _posted(self, item: PostItem) -> dict[str, object]:
        entry = self._target.head(item.target)
        if entry is None:
            raise StoreError("it has no thumbnail, as its copy is not there any more")
        with self._target.open(item.target, length=BEGINNING) as reading:
            if not is_image(reading.stream.read()):
                return {"state": State.SKIPPED, "reason": "it is no image"}
        if self._site is None:
            raise StoreError(self._wrong)
        with place(self._folder) as file:
            digest = self._fetched(entry, file)
            jpeg = thumbnail(file, self._asked.size, self._asked.quality, settings().max_scan_pixels)
        facts = Facts(item.key, item.modified, digest)
        title, alt = filled(self._asked.title, facts), filled(self._asked.alt, facts)
        name = f"{Path(item.key).stem}.jpg"
        media = self._site.post(jpeg, digest=digest, file_name=name, title=title, alt=alt)
        post = self._post(self._site, item, facts, Picture(media.url, alt, media.id))
        ids = {MEDIA: media.id} | ({POST: post.id} if post else {})
        return {"state": State.DONE, "facts": ids, "notes": post.notes if post else ()}

    def _post(self, site: WordPress, item: PostItem, facts: Facts, picture: Picture) -> Post | None:
        asked = self._asked.post
        if asked is None:
            return None
        content = filled_content(asked.content, facts, picture)
        title = filled(asked.title, facts)
        return site.draft_or_update(
            source=item.source, title=title, content=content, media_id=picture.id, status=asked.status
        )

    def _fetched(self, entry: Entry, file: Path) -> str:
        """Fetch the copy into a file; returns its MD5."""
        free = shutil.disk_usage(self._folder).free
        if free < entry.bytes + _ROOM:
            needed = human_bytes(entry.bytes + _ROOM)
            raise StoreError(f"there is no room for it: it needs {needed} in TMPDIR, which has {human_bytes(free)}")
        hasher = Hasher("md5")
        with self._target.open(entry.key, version=entry) as reading, file.open("wb") as copy:
            while block := reading.stream.read(_BLOCK):
                hasher.update(block)
                copy.write(block)
        return hasher.hashes().md5
