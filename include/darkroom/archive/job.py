"""A job of the archive flow and its ledgers: what is written down of them."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from darkroom.archive.decision import THUMBNAILS, WORDS, Action
from darkroom.archive.pairs import Pair
from darkroom.jobs import Document, Job, Outcome, Output
from darkroom.ledger import Ledger, LedgerEntry
from darkroom.store import Entry
from darkroom.store.hashes import Hashes


def group_of(pair: str, word: str) -> str:
    """A pair's objects of which a report says the same.

    >>> group_of("maps", "changed")
    'maps: changed'
    """
    return f"{pair}: {word}"


class Original(BaseModel):
    """An object of the source, as the plan saw it: exactly this version is copied."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    etag: str
    changed: str = ""
    bytes: int
    modified: datetime
    md5: str = ""
    crc32c: str = ""
    content_type: str = ""
    metadata: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def of(cls, entry: Entry) -> "Original":
        """As a listing shows it."""
        return cls(
            key=entry.key,
            etag=entry.etag,
            changed=entry.changed,
            bytes=entry.bytes,
            modified=entry.modified,
            md5=entry.hashes.md5,
            crc32c=entry.hashes.crc32c,
            content_type=entry.content_type,
            metadata=dict(entry.metadata),
            headers=dict(entry.headers),
        )

    @property
    def entry(self) -> Entry:
        """As a store wants it."""
        return Entry(
            self.key,
            self.bytes,
            self.etag,
            self.modified,
            hashes=Hashes(md5=self.md5, crc32c=self.crc32c),
            content_type=self.content_type,
            metadata=self.metadata,
            headers=self.headers,
            changed=self.changed,
        )


class Standing(BaseModel):
    """What stands in the target, as the plan saw it; `md5` where the ledger knows it of exactly this version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    etag: str
    bytes: int
    md5: str = ""


class ArchiveItem(BaseModel):
    """One object to mirror; without an `original`, one whose object is gone, to be archived and removed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    pair: str
    action: Action
    source: str
    """The object's URI."""
    target: str
    original: Original | None = None
    standing: Standing | None = None

    @property
    def group(self) -> str:
        """As reports group them: by pair, and by what is done with them."""
        return group_of(self.pair, WORDS[self.action])

    @property
    def bytes(self) -> int:
        """How much of it may be under way at once."""
        return max(self.original.bytes if self.original else 0, self.standing.bytes if self.standing else 0)


class PostItem(BaseModel):
    """The thumbnail of one copy, to be posted. `key` and `source` are the object's name and URI, `modified` its time.

    Where the job copies it too, `copied_by` is that item, which has to succeed first.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    pair: str
    key: str
    source: str
    target: str
    modified: datetime
    copied_by: str = ""

    @property
    def group(self) -> str:
        """As reports group them."""
        return group_of(self.pair, THUMBNAILS)


class ArchiveJob(Job):
    """A job file of the flow `archive`: of one pair."""

    pair: Pair
    items: tuple[ArchiveItem, ...] = ()
    posts: tuple[PostItem, ...] = ()


class ArchiveEntry(LedgerEntry):
    """One copy, or one version in the archive, that was proven. `recipe` is the MD5 of its content (hex).

    Of a copy, `source` is the URI of its object, and `version` that of the object (`Entry.version`) which was copied.
    """

    source: str = ""
    version: str = ""


ArchiveLedger = Ledger[ArchiveEntry]
"""A share of the copies in one store, or of the versions in one archive, by key."""


def source_of(uri: str, version: str) -> str:
    """An output's `source`: the object's URI with its version behind a `#`, as Google writes a generation."""
    return f"{uri}#{version}"


def entry_of(outcome: Outcome, output: Output) -> ArchiveEntry:
    """What a ledger knows of a copy or of a version."""
    source, _, version = output.source.rpartition("#")
    return ArchiveEntry(recipe=output.recipe, etag=output.etag, bytes=output.bytes, source=source, version=version)


class DuePosts(Document):
    """The thumbnails of a target that could not be posted yet, by the keys of their copies."""

    posts: dict[str, PostItem] = Field(default_factory=dict)
    damaged: bool = False
