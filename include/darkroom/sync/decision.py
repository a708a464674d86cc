"""What is done with a file, or with an object whose file is gone: pure, told from a listing and a look at a folder."""

import re
from enum import StrEnum

from darkroom.store import Entry

_PLAIN_MD5 = re.compile(r"[0-9a-f]{32}")


class There(StrEnum):
    """What the folder has under an object's key."""

    FILE = "file"
    REFUSED = "refused"
    MISNAMED = "misnamed"
    """No file of this name, and one that is refused for its name, which is this one but for the case of its letters."""
    UNREAD = "unread"
    """Nobody knows: the folder that it would lie in cannot be read."""
    NOTHING = "nothing"


class Action(StrEnum):
    """What to do."""

    LEAVE = "leave"
    UPLOAD = "upload"
    COMPARE = "compare"
    REPLACE = "replace"
    REMOVE = "remove"
    REPORT = "report"
    REFUSE = "refuse"


WORDS = {
    Action.LEAVE: "unchanged",
    Action.UPLOAD: "new",
    Action.COMPARE: "compared",
    Action.REPLACE: "changed",
    Action.REMOVE: "gone",
    Action.REFUSE: "refused",
}
"""What a report calls the files that are handled so."""


def decide(there: There, *, stands: bool, same: bool | None, remove: bool) -> Action:
    """What to do with a key of the folder or of the bucket.

    `same`: the object has the file's bytes; None where that is not known before they are read. `remove`: the run takes
    away what is gone from the folder (`sync`).

    | in the folder | stands | same | remove | |
    | --- | --- | --- | --- | --- |
    | file | no | | | upload |
    | file | yes | yes | | leave |
    | file | yes | no | | replace |
    | file | yes | unknown | | compare |
    | refused | | | | refuse |
    | misnamed | | | | leave |
    | unread | | | | leave |
    | nothing | yes | | no | report |
    | nothing | yes | | yes | remove |
    """
    match there:
        case There.REFUSED:
            return Action.REFUSE
        case There.MISNAMED | There.UNREAD:
            return Action.LEAVE
        case There.NOTHING:
            return Action.REMOVE if remove else Action.REPORT
    if not stands:
        return Action.UPLOAD
    if same is None:
        return Action.COMPARE
    return Action.LEAVE if same else Action.REPLACE


def is_plain(etag: str) -> bool:
    """Can an ETag be the MD5 of its object's bytes? (One of an upload in parts, or a folder's, cannot.)"""
    return _PLAIN_MD5.fullmatch(etag) is not None


def is_same(size: int, md5: str, stands: Entry, known: str = "") -> bool | None:
    """Has an object a file's bytes, by what a listing says? None where that says too little.

    `md5` is the file's (hex), empty where nobody has read it yet; `known` is the MD5 by which exactly this object was
    uploaded once. An ETag proves that two are the same, and never that they differ: with KMS it is no MD5 at all
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html). Dates say nothing.

    | size | the file's MD5 | the object's ETag, its MD5 or the known one | |
    | --- | --- | --- | --- |
    | differs | | | no |
    | equal | not known | | unknown |
    | equal | known | one of them is it | yes |
    | equal | known | the object's MD5 or the known one is another | no |
    | equal | known | none is it, and only an ETag is there | unknown |
    """
    if size != stands.bytes:
        return False
    if not md5:
        return None
    if md5 in (stands.etag, stands.hashes.md5, known):
        return True
    return False if stands.hashes.md5 or known else None
