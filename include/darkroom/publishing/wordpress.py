"""Thumbnails in a WordPress site's media library, and posts that show them: found again by their source, never twice.

What was written is found by its slug and told by its mark (`items`): so an upload whose answer was lost is found before
it is tried again, and a file that somebody has replaced is seen, and a post that somebody has edited. Both are in
WordPress itself: nothing else has to be kept, and nothing that is kept can be wrong about it.
"""

import contextlib
import html
import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from darkroom.errors import StoreError
from darkroom.failures import DownloadFailed, Gone, Taken, ValidateFailed, WriteFailed
from darkroom.outside import web
from darkroom.publishing.items import (
    MEDIA,
    POSTS,
    Article,
    Attachment,
    I,
    Kind,
    apart,
    comment_of,
    is_untouched,
    mark_of,
    md5,
    media_slug,
    post_slug,
    signed,
    upload_name,
)
from darkroom.publishing.rest import HalfDone, Rest
from darkroom.sentences import sentence
from darkroom.store.access import NO_ACCESS, Access

log = logging.getLogger(__name__)

Status = Literal["draft", "publish", "private"]
"""What a new post is; an existing one keeps its own."""

_LARGEST_FILE = 64 << 20  # bytes of a file that is fetched back: others' thumbnails may be larger than ours
_SETTLES = 1.0  # seconds that a request whose answer was lost is given, before it is looked for
_SAME_SLUG = 5  # WordPress' own suffixes (-2 …) among which one's own is looked for


@dataclass(frozen=True, slots=True)
class Media:
    """A thumbnail in the media library: its id, its file's URL, and whether it was posted just now."""

    id: int
    url: str
    posted: bool


@dataclass(frozen=True, slots=True)
class Post:
    """A post: its id, its URL, and a sentence for each thing that was left as a person wants it."""

    id: int
    url: str
    notes: tuple[str, ...] = ()


class WordPress:
    """A site (`https://www.example.org`, or a folder of it), as the user whose application password `access` has.

    Raises `BadInput` where address or credentials cannot be used. Its methods raise `Denied` (401, 403), `Unavailable`
    where the site does not answer, `StoreError` where it answers what no WordPress does, and `StepFailed` where it is
    just this item that cannot be posted. Threads may share it.
    """

    def __init__(self, site: str, access: Access = NO_ACCESS) -> None:
        self._rest = Rest(site, access)

    @property
    def repeats(self) -> dict[str, int]:
        """How many requests were repeated so far, by the name of the fault."""
        return self._rest.repeats

    def find(self, digest: str) -> Media | None:
        """The thumbnail of the source with that hash (hex digits), wherever it was posted from; not from the trash."""
        found, _ = self._found(MEDIA, media_slug(digest))
        return Media(found[0].id, found[0].source_url, posted=False) if found else None

    def post(self, thumbnail: bytes, *, digest: str, file_name: str, title: str, alt: str) -> Media:
        """Post a JPEG for the source with that hash, if it is not there, and fetch it back.

        `title` and `alt` are plain text, and are added to what is there without them. Raises `Taken` where it lies in
        the trash or its file was replaced, and `ValidateFailed` where other bytes come back than were sent.
        """
        slug = media_slug(digest)
        found, trashed = self._found(MEDIA, slug)
        if not found and trashed:
            raise Taken(
                f"its media {trashed[0].id} lies in the trash of {self._rest.name}; restore it, or delete it for good "
                "and it is posted again"
            )
        posted = not found
        media = found[0] if found else self._upload(slug, thumbnail, upload_name(file_name, digest), title, alt)
        media = self._completed(media, title, alt)
        self._require_file(media, slug, thumbnail, posted)
        return Media(media.id, media.source_url, posted)

    def draft_or_update(
        self, *, source: str, title: str, content: str, media_id: int, status: Status = "draft"
    ) -> Post:
        """Write the post of a source, which its URI tells apart; with a media as its featured image.

        `title` is plain text, `content` HTML. A post that nobody has edited gets them anew; one that somebody has
        edited keeps its title and content and gets the image, and one in the trash stays as it is: its notes say so.
        """
        slug = post_slug(source)
        title = html.escape(title, quote=False)  # WordPress shows titles as HTML, with the scripts that are in it
        found, trashed = self._found(POSTS, slug)
        if found:
            return self._update(found[0], slug, title, content, media_id)
        if trashed:
            said = (
                f"The post {trashed[0].id} lies in the trash of {self._rest.name}; restore it, or delete it for good."
            )
            return Post(trashed[0].id, trashed[0].link, (said,))
        body = {"slug": slug, "status": status, "featured_media": media_id, **signed(slug, title, content)}
        post = self._made_once(POSTS, slug, lambda: self._ordered(POSTS, "posts", body))
        return self._signed_again(post, slug)

    def _update(self, post: Article, slug: str, title: str, content: str, media_id: int) -> Post:
        if not is_untouched(post, slug):
            if post.featured_media != media_id:
                post = self._changed(POSTS, post.id, {"featured_media": media_id})
            said = f"The post {post.id} of {self._rest.name} was edited there: it keeps its text and has the new image."
            return Post(post.id, post.link, (said,))
        body: dict[str, object] = {"featured_media": media_id, **signed(slug, title, content)}
        if (post.featured_media, post.title.raw, post.text) == tuple(body.values()):
            return Post(post.id, post.link)
        return self._signed_again(self._changed(POSTS, post.id, body), slug)

    def _signed_again(self, post: Article, slug: str) -> Post:
        """WordPress may change what it is given (it takes scripts out for most users): what counts is what stands."""
        if not is_untouched(post, slug):
            text = mark_of(slug).sub("", post.text)
            post = self._changed(POSTS, post.id, signed(slug, post.title.raw or "", text))
        if not is_untouched(post, slug):
            said = f"{self._rest.name} changes what is written to the post {post.id}: later runs leave its text alone."
            return Post(post.id, post.link, (said,))
        return Post(post.id, post.link)

    def _upload(self, slug: str, thumbnail: bytes, name: str, title: str, alt: str) -> Attachment:
        from urllib3.filepost import encode_multipart_formdata

        description = comment_of(slug, md5(thumbnail))
        texts = {"slug": slug, "title": html.escape(title, quote=False), "alt_text": alt, "description": description}
        # a form, as the block editor sends it: texts of any length, and none of them in a log of URLs
        fields: dict[str, Any] = {**texts, "file": (name, thumbnail, "image/jpeg")}
        body, content_type = encode_multipart_formdata(fields)
        # hex digits, unlike RFC 1864's: WP_REST_Attachments_Controller::upload_from_file compares them so
        sent = {"Content-Type": content_type, "Content-MD5": md5(thumbnail)}

        def upload() -> Attachment:
            try:
                answer = self._rest.once("POST", "media", MEDIA.query, body, sent)
            except HalfDone as half:
                return self._resumed(half, slug)
            return self._read(Attachment, answer)

        return self._made_once(MEDIA, slug, upload)

    def _resumed(self, half: HalfDone, slug: str) -> Attachment:
        """An upload of which not all sizes were made, if it is ours that the server names."""
        found, _ = self._found(MEDIA, slug)
        if half.id not in (media.id for media in found):
            raise self._rest.misread(f"it stored the upload as its media {half.id}, which is not found by {slug}")
        log.warning("%s: the upload of media %d is half done (%s); resuming it.", self._rest.name, half.id, half)
        return self._processed(half.id)

    def _processed(self, media_id: int) -> Attachment:
        """Have the sizes made that a media lacks: each try makes some, and those are kept."""
        order, query = {"action": "create-image-subsizes"}, MEDIA.query
        answer = self._rest.ask("the upload's end", "POST", f"media/{media_id}/post-process", query, order)
        return self._read(Attachment, answer)

    def _completed(self, media: Attachment, title: str, alt: str) -> Attachment:
        """With what an interrupted upload, or a person, has left out."""
        if media.missing_image_sizes:
            media = self._processed(media.id)
        missing: dict[str, object] = {}
        if title and media.title.raw == "":
            missing["title"] = html.escape(title, quote=False)
        if alt and not media.alt_text:
            missing["alt_text"] = alt
        return self._changed(MEDIA, media.id, missing) if missing else media

    def _require_file(self, media: Attachment, slug: str, thumbnail: bytes, posted: bool) -> None:
        """Raises unless the file of a media is the thumbnail, or what was posted as one with other sizes."""
        found = self._fetched_back(media)
        if found == md5(thumbnail):
            return
        if posted:
            raise ValidateFailed(
                f"other bytes come back from {self._rest.name} than were sent: delete its media {media.id}, and switch "
                "off what changes uploads there (such as a plug-in that compresses images)"
            )
        mark = mark_of(slug).search(media.text)
        if mark is None or mark[1] != found:
            raise Taken(
                f"its media {media.id} at {self._rest.name} has not the file that was posted; delete it, or give it "
                "another slug and description, and the thumbnail is posted again"
            )

    def _fetched_back(self, media: Attachment) -> str:
        """The MD5 of a media's file, as anybody gets it; nothing where there is none."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "file"
            try:
                web.download(media.original, file, most=_LARGEST_FILE, private_hosts=self._rest.private_hosts)
            except Gone:  # most sites show a page instead, which is the same to us
                return ""
            except DownloadFailed as failure:
                raise DownloadFailed(f"its media {media.id} cannot be fetched back: {failure}") from None
            return md5(file.read_bytes())

    def _made_once(self, kind: Kind[I], slug: str, make: Callable[[], I]) -> I:
        """What `make` makes; found instead, where an earlier try has made it or another run does at this moment."""
        tried = False

        def attempt() -> I:
            nonlocal tried
            if tried:
                time.sleep(_SETTLES)
                found, _ = self._found(kind, slug)
                if found:
                    return found[0]
            tried = True
            return make()

        made = self._rest.repeated(f"a new {kind.word}", attempt)
        found, _ = self._found(kind, slug)
        own = next((item for item in found if item.id == made.id), None)
        if own is None:
            raise StoreError(
                f"{self._rest.name}: the new {kind.word} {made.id} is not found by {slug}, as it has another slug "
                "and text than it was given; delete it, and switch off what changes them there."
            )
        if own is not found[0] and mark_of(slug).search(own.text):  # all runs leave the same one
            log.warning("%s: another run has made a %s of %s; ours is deleted.", self._rest.name, kind.word, slug)
            with contextlib.suppress(WriteFailed):  # it is gone, when the answer to a first try was lost
                self._rest.ask("a deletion", "DELETE", f"{kind.route}/{own.id}", {"force": "true"})
        return found[0]

    def _found(self, kind: Kind[I], slug: str) -> tuple[list[I], list[I]]:
        """Those that were written for that slug: the oldest first, and those in the trash.

        Their slug is that one or what WordPress makes of it where it is taken; or people, or plug-ins, have given them
        a better one, and they are found by their mark.
        """
        slugs = [slug, *(f"{slug}-{number}" for number in range(2, _SAME_SLUG + 1))]
        slugs += [f"{one}__trashed" for one in slugs]
        found = self._listed(kind, {"slug": ",".join(slugs)})
        if any(item.slug not in slugs for item in found):  # one that would not be seen is made again
            raise self._rest.misread("it lists others than those with the slug that was asked for")
        if not found:
            found = [item for item in self._listed(kind, {"search": slug}) if mark_of(slug).search(item.text)]
        return apart(found)

    def _listed(self, kind: Kind[I], by: Mapping[str, object]) -> list[I]:
        order = {"per_page": 100, "orderby": "id", "order": "asc", "status": kind.statuses}
        answer = self._rest.question(f"the search for a {kind.word}", kind.route, {**by, **order, **kind.query})
        if not isinstance(answer, list):
            raise self._rest.misread("it is no list")
        return [self._read(kind.model, item) for item in answer]

    def _ordered(self, kind: Kind[I], route: str, body: Mapping[str, object]) -> I:
        """What is answered to an order that is given once."""
        return self._read(kind.model, self._rest.once("POST", route, kind.query, body))

    def _changed(self, kind: Kind[I], item: int, body: Mapping[str, object]) -> I:
        """A change, which may come twice."""
        return self._rest.repeated(
            f"the change of a {kind.word}", lambda: self._ordered(kind, f"{kind.route}/{item}", body)
        )

    def _read(self, model: type[I], answer: object) -> I:
        try:
            return model.model_validate(answer)
        except ValidationError as error:
            problem = error.errors(include_url=False, include_input=False)[0]
            raise self._rest.misread(sentence(problem)) from None
