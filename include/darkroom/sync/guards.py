"""What is gone from the folder: removed, left and told, or asked about, as far as the guards allow."""

from collections.abc import Mapping, Sequence
from itertools import islice

from darkroom.amounts import counted
from darkroom.approvals import MOST_LINES, Asked
from darkroom.guards import LET_NO_MORE
from darkroom.jobs import Mode
from darkroom.store import Entry
from darkroom.sync.decision import Action, There, decide
from darkroom.sync.job import Standing, SyncItem
from darkroom.sync.patterns import folded
from darkroom.sync.request import Request
from darkroom.sync.share import Share

_NAMED = 5


def guard(share: Share, request: Request) -> None:
    """Decide about all objects of a profile whose files are gone."""
    gone = _really_gone(share)
    if not gone:
        return
    some = _some(gone)
    many = counted(len(gone), "object")
    if not request.remove:
        share.findings.append(f"{many} gone from the folder stay in the bucket; sync removes them: {some}.")
        share.stale |= {one.key: one.etag for one in gone}
        return
    most = share.profile.guards.most(share.standing)
    too_many = len(gone) > most
    if too_many and not request.ask:
        share.problems.append(
            f"{share.profile.name}: {many} gone from the folder, and {LET_NO_MORE} {most:,} of "
            f"{share.standing:,} be removed: none is ({some}). See whether the folder is whole; if so, give "
            "--max-delete."
        )
        share.stale |= {one.key: one.etag for one in gone}
        return
    if too_many and request.mode is not Mode.PLAN:
        share.asked = Asked(
            subject=f"Remove {len(gone):,} of {share.standing:,} objects from {share.profile.target}?",
            lines=tuple(one.key for one in islice(gone, MOST_LINES)),
            count=len(gone),
            facts=(f"{share.profile.name}: {LET_NO_MORE} {most:,} be removed without a yes.",),
        )
    for one in gone:
        share.make(_removal(share, one, held=too_many))


def _really_gone(share: Share) -> list[Entry]:
    """Those of which no file is left; a file that only its name keeps from being taken is one, and that is told."""
    gone: list[Entry] = []
    kept: list[Entry] = []
    for one in share.gone:
        there = There.MISNAMED if folded(one.key) in share.misnamed else There.NOTHING
        left = decide(there, stands=True, same=None, remove=True) is Action.LEAVE
        (kept if left else gone).append(one)
    if kept:
        share.left += len(kept)
        share.findings.append(
            f"{counted(len(kept), 'object')} of files that are refused for their names, which differ in the case of "
            f"letters, stay in the bucket: {_some(kept)}."
        )
    return gone


def _some(entries: Sequence[Entry]) -> str:
    return f"{', '.join(one.key for one in entries[:_NAMED])}{', ...' if len(entries) > _NAMED else ''}"


def joined(asked: Mapping[str, Asked]) -> Asked:
    """One question of the questions of several profiles, by their names."""
    if len(asked) == 1:
        return next(iter(asked.values()))
    lines = [f"{profile}: {line}" for profile, one in asked.items() for line in one.lines]
    count = sum(one.count for one in asked.values())
    subject = f"Remove {count:,} objects of {len(asked)} profiles?"
    facts = tuple(fact for one in asked.values() for fact in one.facts)[:MOST_LINES]
    return Asked(subject=subject, lines=tuple(lines[:MOST_LINES]), count=count, facts=facts)


def _removal(share: Share, stands: Entry, *, held: bool) -> SyncItem:
    return SyncItem(
        name=share.name(stands.key),
        profile=share.profile.name,
        action=Action.REMOVE,
        key=stands.key,
        standing=Standing(etag=stands.etag, bytes=stands.bytes),
        held=held,
    )
