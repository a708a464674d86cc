"""What is done with an object: before anything is read, by listings and ledger; and then by hashes."""

from enum import StrEnum

from darkroom.jobs import Mode


class Action(StrEnum):
    """What a plan wants done with a key of the target."""

    LEAVE = "leave"
    COPY = "copy"
    COMPARE = "compare"
    REPLACE = "replace"
    PROVE = "prove"
    REMOVE = "remove"
    REPORT = "report"


WORDS = {
    Action.LEAVE: "unchanged",
    Action.COPY: "new",
    Action.COMPARE: "compared",
    Action.REPLACE: "changed",
    Action.PROVE: "proven anew",
    Action.REMOVE: "gone",
}
"""What a report calls the objects that are handled so."""
REFUSED, THUMBNAILS = "refused", "thumbnails"


def decide(mode: Mode, *, in_source: bool, stands: bool, known: bool, same: bool, remove: bool = False) -> Action:
    """What to do, by what can be known without reading a body.

    `known`: the ledger's entry is of exactly what stands in the target. `same`: by that entry, its content is what the
    source has now. `remove`: the pair removes what is gone from the source.

    | mode | in the source | stands | known | same | remove | |
    | --- | --- | --- | --- | --- | --- | --- |
    | any | yes | no | | | | copy |
    | any | yes | yes | no | | | compare |
    | any | yes | yes | yes | no | | replace |
    | changed, plan | yes | yes | yes | yes | | leave |
    | all | yes | yes | yes | yes | | prove |
    | any | no | yes | yes | | no | report |
    | any | no | yes | yes | | yes | remove |
    | any | no | yes | no | | | leave |
    | any | no | no | | | | leave |
    """
    if not in_source:
        if not stands or not known:
            return Action.LEAVE
        return Action.REMOVE if remove else Action.REPORT
    if not stands:
        return Action.COPY
    if not known:
        return Action.COMPARE
    if not same:
        return Action.REPLACE
    return Action.PROVE if mode is Mode.ALL else Action.LEAVE


NOT_REPLACED = "another version stands in the mirror, and its pair has no archive: without one nothing is replaced"
"""Why an object is refused."""


class Step(StrEnum):
    """What a worker does with an object, in this order."""

    ARCHIVE_STANDING = "archive what stands"
    WRITE = "write"
    ARCHIVE_NEW = "archive what was written"


def steps(*, stands: bool, same: bool, archived: bool) -> tuple[Step, ...]:
    """What to do once the hashes are known. What stands is archived before it is replaced, always.

    `same`: what stands has the source's hash. `archived`: the archive has a version of this object with the hash of
    what stands.

    | stands | same | archived | archive what stands | write | archive what was written |
    | --- | --- | --- | --- | --- | --- |
    | no | | | | if absent | yes |
    | yes | yes | no | yes | | |
    | yes | yes | yes | | | |
    | yes | no | no | yes | if match | yes |
    | yes | no | yes | | if match | yes |
    """
    first = (Step.ARCHIVE_STANDING,) if stands and not archived else ()
    rest = () if stands and same else (Step.WRITE, Step.ARCHIVE_NEW)
    return first + rest
