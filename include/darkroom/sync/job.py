"""A job of the sync flow and its ledgers: what is written down of them."""

from pydantic import BaseModel, ConfigDict

from darkroom.jobs import Job
from darkroom.ledger import Ledger, LedgerEntry
from darkroom.sync.decision import WORDS, Action
from darkroom.sync.profiles import Profile
from darkroom.sync.rules import Rules


def group_of(profile: str, word: str) -> str:
    """A profile's files of which a report says the same.

    >>> group_of("shops", "changed")
    'shops: changed'
    """
    return f"{profile}: {word}"


def item_name(profile: str, key: str) -> str:
    """How a file is called in plans and reports."""
    return f"{profile}/{key}"


class Standing(BaseModel):
    """The object in the bucket, as the plan saw it; `md5` (hex) where the ledger knows it and the ETag is another."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    etag: str
    bytes: int
    md5: str = ""


class SyncItem(BaseModel):
    """One file to upload or to compare, or one object whose file is gone.

    `version` is the file's (`scan.version_of`), `md5` its hash where the cache knows it of that version. `check`: its
    content is still to be looked at by the rules. `held`: it is done only once a person has said yes.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    profile: str
    action: Action
    key: str
    bytes: int = 0
    version: str = ""
    md5: str = ""
    check: bool = False
    standing: Standing | None = None
    held: bool = False

    @property
    def group(self) -> str:
        """As reports group them: by profile, and by what is done with them."""
        return group_of(self.profile, WORDS[self.action])


class SyncJob(Job):
    """A job file of the flow `sync`: of one profile, whose rules are in it as they were when it was planned."""

    profile: Profile
    rules: Rules
    items: tuple[SyncItem, ...] = ()


SyncLedger = Ledger[LedgerEntry]
"""A share of the objects in one bucket whose ETag does not say what is in them; `recipe` is the MD5 (hex)."""
