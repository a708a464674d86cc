"""Flags: what a person found wrong with a combination, with a note; they block a style's approval until cleared.

One document a style (`keys.flags`), replaced only conditionally, so that two people at once lose neither's flag. A
damaged document is nobody's yes: reading it raises, and what asks for approval must not go on.
"""

import secrets
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from darkroom import keys, ledger
from darkroom.errors import BadInput, NotFound
from darkroom.jobs import Document
from darkroom.keys import Picture
from darkroom.store import Store

LONGEST_NOTE = 2_000
"""Characters. What is said of a dress fits; a book does not, since every page that lists the flags reads all of it."""
_LONGEST_NAME = 250
_MOST_STANDING = 1_000
_MOST_CLEARED = 1_000
"""So many cleared flags of a style are kept, the last ones."""


def _named(name: str) -> str:
    if Picture.parse(name) is None:
        raise ValueError("it is no picture's name, such as a2-b4-t1-micro_mini-front-0003")
    return name.removesuffix(".png")


class Flag(BaseModel):
    """A note on a combination: who said it and when, and who cleared it (`cleared` is None while it stands).

    `picture` is the combination as it was looked at (`keys.Picture.name`): codes, length, side and colour.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    picture: Annotated[str, AfterValidator(_named)]
    note: str
    by: str
    when: datetime
    cleared_by: str = ""
    cleared: datetime | None = None

    @property
    def sentence(self) -> str:
        """Which combination, what is wrong, who says so."""
        return f"{self.picture}: {self.note} ({self.by}, {self.when:%Y-%m-%d %H:%M} UTC)"


class Flags(Document):
    """The flags of a style, the first first."""

    flags: tuple[Flag, ...] = Field(default=())


def flag(store: Store, style: str, picture: Picture, note: str, by: str, when: datetime | None = None) -> Flag:
    """Flag a combination. Raises `BadInput` for a note that is empty or too long, and `StoreError`."""
    said = note.strip()
    if not said:
        raise BadInput("note: it says nothing; write what is wrong with the combination.")
    if len(said) > LONGEST_NOTE:
        raise BadInput(f"note: it has {len(said):,} characters, and at most {LONGEST_NOTE:,} are kept; shorten it.")
    new = Flag(
        id=secrets.token_hex(8),
        picture=picture.name,
        note=said,
        by=by[:_LONGEST_NAME],
        when=when or datetime.now(UTC),
    )

    def added(known: Flags) -> Flags:
        if sum(one.cleared is None for one in known.flags) >= _MOST_STANDING:
            raise BadInput(f"{style}: {_MOST_STANDING:,} flags stand already; clear some of them first.")
        return known.model_copy(update={"flags": (*known.flags, new)})

    ledger.update(store, keys.flags(style), Flags, added)
    return new


def clear(store: Store, style: str, flag_id: str, by: str, when: datetime | None = None) -> Flag:
    """Clear a flag; one that somebody has cleared already stays theirs. Raises `NotFound` and `StoreError`."""
    at = when or datetime.now(UTC)

    def cleared(known: Flags) -> Flags:
        if all(one.id != flag_id for one in known.flags):
            raise NotFound(f"{style}: there is no such flag any more; load the page again.")
        marked = tuple(
            one.model_copy(update={"cleared_by": by[:_LONGEST_NAME], "cleared": at})
            if one.id == flag_id and one.cleared is None
            else one
            for one in known.flags
        )
        return known.model_copy(update={"flags": _kept(marked)})

    after = ledger.update(store, keys.flags(style), Flags, cleared)
    return next(one for one in after.flags if one.id == flag_id)


def _kept(flags: tuple[Flag, ...]) -> tuple[Flag, ...]:
    """All that stand, and the last of those that were cleared."""
    done = sorted((one for one in flags if one.cleared), key=lambda one: one.cleared or one.when)
    gone = {one.id for one in done[:-_MOST_CLEARED]}
    return tuple(one for one in flags if one.id not in gone)


def every(store: Store, style: str) -> tuple[Flag, ...]:
    """Every flag of a style, cleared ones too. Raises `BadInput` where the document is damaged, and `StoreError`."""
    return ledger.read(store, keys.flags(style), Flags).flags


def standing(store: Store, style: str) -> tuple[Flag, ...]:
    """The flags that nobody cleared, which block the style's approval. Raises as `every` does."""
    return tuple(one for one in every(store, style) if one.cleared is None)
