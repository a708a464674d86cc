"""A plan that wants a person's yes: what it asks, and the answer, both beside its manifest.

Only what is asked about waits for the answer: who runs the jobs reads it, and leaves that alone without a yes.
"""

import logging
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from darkroom import keys
from darkroom.errors import Conflict
from darkroom.jobs import Count, Document, dump
from darkroom.plan_folder import PlanFolder
from darkroom.store import readable

log = logging.getLogger(__name__)

MOST_LINES = 200
"""A question lists at most so many of what it is about."""


class Asked(Document):
    """A question to a person: `subject` is a line, `lines` the first entries of a list, `count` how many there are.

    `facts` are what is to be known first, a line each. `listed` says what the list is of; empty: of what is asked
    about. `yes` and `no` say what the answers do; empty: the run does it as well, or all but that. `page` is where more
    can be seen, an address below the UI's own. All are plain text, and may hold any name: whoever shows them makes them
    safe.
    """

    subject: str
    lines: Annotated[tuple[str, ...], Field(max_length=MOST_LINES)] = ()
    count: Count
    facts: Annotated[tuple[str, ...], Field(max_length=MOST_LINES)] = ()
    listed: str = ""
    yes: str = ""
    no: str = ""
    page: str = ""


class Approval(Document):
    """The answer, and whose it is; `by` is empty where it is nobody's, and `why` then says so."""

    approved: bool
    by: str
    when: datetime
    why: str = ""


class Verdict(StrEnum):
    """What an answer comes to."""

    APPROVED = "approved"
    REJECTED = "rejected"
    AGAIN = "again"


def verdict(*, approves: bool, against: bool) -> Verdict:
    """What an answer comes to; `against`: is there anything that a yes cannot stand against, when it comes?

    | answer | against | verdict |
    | --- | --- | --- |
    | yes | no | approved |
    | yes | yes | again: the person is asked anew, since what speaks against it can be cleared |
    | no | | rejected, and so does no answer in time |
    """
    if not approves:
        return Verdict.REJECTED
    return Verdict.AGAIN if against else Verdict.APPROVED


def is_held(folder: PlanFolder) -> bool:
    """Does a plan ask for a yes that it has not got? Raises `BadInput` for documents that are broken."""
    given = approval(folder)
    return asked(folder) is not None and not (given and given.approved)


def who_rejected(given: Approval | None) -> str:
    """Who said no, or why nobody said yes, as the beginning of a sentence.

    >>> who_rejected(Approval(approved=False, by="Ann", when=datetime(2026, 11, 28)))
    'rejected by Ann'
    """
    if given and given.by:
        return f"rejected by {given.by}" + (f" ({given.why})" if given.why else "")
    return (given and given.why) or "nobody approved it"


def asked(folder: PlanFolder) -> Asked | None:
    """What a plan asks; None where it asks nothing. Raises `BadInput` for a question that is broken."""
    return folder.document(keys.ASKED, Asked)


def approval(folder: PlanFolder) -> Approval | None:
    """The answer; None where there is none yet. Raises `BadInput` for one that is broken."""
    return folder.document(keys.APPROVAL, Approval)


def answer(folder: PlanFolder, given: Approval) -> None:
    """Write the answer down. A first answer stays, as jobs may have gone by it: another one is only said in the log."""
    key = folder.prefix + keys.APPROVAL
    try:
        folder.store.write(key, dump(given), content_type="application/json", if_absent=True, durable=True)
    except Conflict:
        stands = approval(folder)
        if stands and stands.approved != given.approved:
            was = "approved" if stands.approved else "rejected"
            log.warning("%s: it was %s before; that answer stays.", readable(folder.uri_of(keys.APPROVAL)), was)
