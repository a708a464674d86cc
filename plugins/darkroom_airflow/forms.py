"""The parts of the trigger forms that come from the library's own lists, or that several DAGs share.

Airflow's form draws an array with `examples` as a list to pick from, in which nothing else can be typed, and one
without them as a field of lines. Hence `lines`, whose examples stand in its description, and `_some_of` for what is
closed. A Param without a section stands in the one that is open when the form opens.
"""

from collections.abc import Sequence
from typing import Any

from airflow.sdk import Param

from darkroom.archive.pairs import pair_files
from darkroom.compositing.profiles import COMPOSITE, CUTS
from darkroom.compositing.request import Approving
from darkroom.jobs import Mode
from darkroom.proof import Verify
from darkroom.pyramids.profiles import DEFAULT, PROFILES
from darkroom.pyramids.request import known_sources
from darkroom.styles.names import SIDES
from darkroom.styles.style_file import style_files
from darkroom.sync.profiles import profile_files
from darkroom.sync.request import SyncMode


def style_names() -> list[str]:
    """The names of the studio's styles: the one thing that a DAG file reads while it is parsed.

    None where there is no such folder, or none on this machine: the form then takes any name, and plan checks it.
    """
    return list(style_files())


def style(empty: str) -> Param:
    """One style of the studio, to be picked from the list; `empty` says what none means."""
    names = style_names()
    form: dict[str, Any] = {"enum": [None, *names], "values_display": {"null": empty}} if names else {}
    return Param(
        None,
        type=["null", "string"],
        title="Style",
        description_md="The garment: one of the studio's style files. A new file appears by itself.",
        **form,
    )


def mode() -> Param:
    """What the run does; the same words in every flow."""
    return Param(
        Mode.CHANGED.value,
        type="string",
        enum=[Mode.PLAN.value, Mode.CHANGED.value, Mode.ALL.value],
        values_display={
            Mode.PLAN.value: "plan: only say what would be done",
            Mode.CHANGED.value: "changed: make what is missing or out of date",
            Mode.ALL.value: "all: make everything again",
        },
        title="Mode",
        description_md="**plan** only says what would be done. **changed** makes what is missing or no longer matches "
        "what it is made from. **all** makes everything again, whatever is there.",
    )


def approval(section: str) -> Param:
    """Is a person asked before pictures are made?"""
    return Param(
        Approving.ASK.value,
        type="string",
        enum=[one.value for one in Approving],
        values_display={
            Approving.ASK.value: "ask: a person says yes before pictures are made",
            Approving.NONE.value: "none: make them without a question",
        },
        title="Approval",
        description_md="**ask**: before anything new is made, **approve** waits up to a day for a person's yes.",
        section=section,
    )


def sides(section: str) -> Param:
    """Some of the sides of a garment."""
    return _some_of(SIDES, title="Sides", description_md="Only these sides. Empty: both.", section=section)


def cuts(section: str) -> Param:
    """Some of the cuts of a picture."""
    return _some_of(
        CUTS,
        title="Cuts",
        description_md="Only these sizes and crops. Empty: all.",
        values_display={COMPOSITE: f"{COMPOSITE}, the composite itself"},
        section=section,
    )


def scan_sources(section: str) -> Param:
    """Some of the deployment's sources of images, the API among them; to be typed where none is known here."""
    return _known(
        known_sources(),
        title="Sources",
        description_md="Only these: places by name (DARKROOM_SCAN_SOURCES), and *appsync*, the API. Empty: all.",
        section=section,
    )


def pyramid_profile(section: str) -> Param:
    """How pyramids are written."""
    return Param(
        DEFAULT,
        type="string",
        enum=list(PROFILES),
        values_display={name: f"{name}: {profile.note}" for name, profile in PROFILES.items()},
        title="Profile",
        description_md="How the pyramids are written. **deflate** loses nothing; **webp** and **zstd** exist only "
        "where the imaging library can write them, which **plan** finds out.",
        section=section,
    )


def pairs(section: str) -> Param:
    """Some of the deployment's pairs of buckets; to be typed where there is none on this machine."""
    return _known(
        list(pair_files()),
        title="Pairs",
        description_md="Only these: files in DARKROOM_PAIRS_DIR, by name. Empty: every enabled one.",
        section=section,
    )


def verify(section: str) -> Param:
    """How what was written is proven."""
    return Param(
        None,
        type=["null", "string"],
        enum=[None, *Verify],
        values_display={"null": "as each pair says"},  # by which the form knows what it would call null
        title="Verify",
        description_md="**read back**: whatever is written is read again. **store's checksum**: the store's own word "
        "is enough, where it has a checksum of the whole object.",
        section=section,
    )


def sync_mode() -> Param:
    """What a sync does, which is not what the other flows' modes say."""
    return Param(
        SyncMode.COPY.value,
        type="string",
        enum=[mode.value for mode in SyncMode],
        values_display={
            SyncMode.PLAN.value: "plan: only say what would be done",
            SyncMode.COPY.value: "copy: upload what is new or has changed",
            SyncMode.SYNC.value: "sync: the same, and remove what is gone from the folder",
        },
        title="Mode",
        description_md="**plan** only says what a sync would do. **copy** uploads what is new or has changed, and "
        "removes nothing. **sync** then removes what is gone from the folder; more than the guard allows, only if a "
        "person approves it.",
    )


def profile(section: str) -> Param:
    """One of the deployment's folders to sync; to be typed where there is none on this machine."""
    known = list(profile_files())
    form: dict[str, Any] = {"examples": known} if known else {}
    return Param(
        "",
        type=["string", "null"],
        title="Profile",
        description_md="Only this one: a file in DARKROOM_PROFILES_DIR, by name. Empty: every enabled one.",
        section=section,
        **form,
    )


def max_delete(section: str) -> Param:
    """The guard of a sync's removals."""
    return Param(
        "",
        type=["string", "null"],
        pattern=r"^(\d+%?)?$",
        title="Most removals",
        description_md="A sync that would remove more than so many objects (*50*), or more than such a share of them "
        "(*5%*), asks a person first. Empty: as the profile says.",
        section=section,
    )


def lines(**form: Any) -> Param:
    """A list that a person types, an entry a line; empty to begin with."""
    return Param([], type=["array", "null"], items={"type": "string"}, **form)


def _known(entries: Sequence[str], **form: Any) -> Param:
    """Some of what this machine knows, to pick from; to be typed where it knows none. Empty to begin with."""
    return lines(**form, **({"examples": list(entries)} if entries else {}))


def _some_of(known: Sequence[str], **form: Any) -> Param:
    """A closed list to pick from; all of it to begin with."""
    items = {"type": "string", "enum": list(known)}
    return Param(list(known), type=["array", "null"], items=items, examples=list(known), **form)
