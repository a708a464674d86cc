"""`--plan report.json`: what a dry run promised is what there is to do now, or nothing is done."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from darkroom.amounts import counted
from darkroom.errors import BadInput
from darkroom.flows import Draft
from darkroom.jobs import parse
from darkroom.sync.dry_run import BEGINNING, END, FILES, FileLine, lines
from darkroom.sync.job import item_name
from darkroom.sync.share import Part, items_of

_NAMED, _MOST = 5, 1000  # files that are named, and that are looked for
_BLOCK = 1 << 16


def require_same_plan(file: str, drafted: Draft[Part], profile: str) -> None:
    """Raise `BadInput` where a dry run said something else than what a draft of its one profile says now.

    What is refused, or only told, counts as well: whoever looked at the dry run saw another folder. Memory holds no
    more than the first files of which something else is said.
    """
    now = lines(
        ((item, None) for item in items_of(drafted.todo)), drafted.refused, drafted.stale, item_name(profile, "")
    )
    others = sorted(_differing(_promised(file), now))
    if not others:
        return
    many = counted(len(others), "file") if len(others) < _MOST else f"{_MOST:,} files or more"
    some = f"{', '.join(others[:_NAMED])}{', ...' if len(others) > _NAMED else ''}"
    raise BadInput(
        f"--plan: {file}: the folder or the bucket changed since that dry run, in {many} ({some}): nothing is done. "
        "Run dryrun again, and look at what it says."
    )


def _differing(said: Iterator[FileLine], now: Iterator[FileLine]) -> set[str]:
    """The files of which two plans do not say the same; both are in their order (`FileLine.order`)."""
    others: set[str] = set()
    one, other = next(said, None), next(now, None)
    while (one or other) and len(others) < _MOST:
        first = min(line.order for line in (one, other) if line)
        its = one if one and one.order == first else None
        ours = other if other and other.order == first else None
        if not (its and ours and its.promise == ours.promise):
            others.add(first[1])
        if its:
            one = next(said, None)
        if ours:
            other = next(now, None)
    return others


def _promised(file: str) -> Iterator[FileLine]:
    """What a dry run's report says, file by file. Raises `BadInput` where it is none, or not whole."""
    where = f"--plan: {file}"
    try:
        with Path(file).open("rb") as text:
            if text.read(len(BEGINNING)) != BEGINNING or not _skipped(iter(lambda: text.readline(_BLOCK), b"")):
                raise BadInput(f"{where}: it is not what a dry run wrote; name its report.json, as it is.")
            for line in text:
                if line.rstrip() == END:
                    return
                yield parse(FileLine, line.rstrip().removesuffix(b","), where)
    except OSError as error:
        raise BadInput(
            f"{where}: {(error.strerror or str(error)).lower()}; name the report.json of a dry run."
        ) from None
    raise BadInput(f"{where}: its end is missing; run dryrun again.")


def _skipped(blocks: Iterable[bytes]) -> bool:
    """Go behind the first line, however long it is; is it one behind which the files are?"""
    before = b""
    for block in blocks:
        if block.endswith(b"\n"):
            return (before + block).rstrip().endswith(FILES)
        before = block
    return False
