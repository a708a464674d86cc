"""`darkroom archive`: mirror a store in another, look for old versions, and bring one back."""

from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from darkroom.archive.flow import FLOW
from darkroom.archive.names import target_key
from darkroom.archive.pairs import Names, Pair, contradictions, pair_files, read_pair
from darkroom.archive.request import Params, request_of
from darkroom.archive.restore import Restored, name_in, restore_version, source_of_copy
from darkroom.archive.versions import Archive, Version
from darkroom.cli.commands import Command, DefaultGroup
from darkroom.cli.options import AskedMode
from darkroom.cli.output import Json, print_json, shown
from darkroom.cli.report_file import report_option, write_report
from darkroom.cli.summary import print_summary
from darkroom.errors import BadInput, StoreError
from darkroom.jobs import Mode
from darkroom.proof import Verify
from darkroom.runs import run_here
from darkroom.sentences import sentences
from darkroom.settings import settings
from darkroom.store import open_store, readable

_COMMAND = "archive"  # where the command's plans lie below work/
_RUN = "run"


class _RunByDefault(DefaultGroup):
    default, noun = _RUN, "pair's file"


app = typer.Typer(
    cls=_RunByDefault,
    help="Mirror a store in another, every hash proven and no version ever lost.\n\n"
    "`darkroom archive PAIR.yaml` and `darkroom archive --from ... --to ... --archive ...` are short for "
    "`darkroom archive run ...`.",
    no_args_is_help=True,
    add_completion=False,
)

PairFile = Annotated[str | None, typer.Argument(metavar="[PAIR.yaml]", help="A pair's file, instead of the options.")]
From = Annotated[
    str | None, typer.Option("--from", metavar="STORE", help="What is mirrored: gs://bucket, or any other store.")
]
To = Annotated[str | None, typer.Option("--to", metavar="STORE", help="Where its copies go.")]
ArchiveStore = Annotated[
    str | None,
    typer.Option(
        "--archive",
        metavar="STORE",
        help="Where every version goes, under its time and hash. Without it nothing is ever replaced.",
    ),
]
Key = Annotated[
    str, typer.Argument(metavar="KEY", help="The object's name in the source, or that of its copy in the target.")
]
OfPair = Annotated[
    str | None, typer.Option("--pair", metavar="FILE", help="The pair. Default: every pair of the deployment.")
]


@app.command(_RUN, cls=Command)
def run(
    file: PairFile = None,
    source: From = None,
    target: To = None,
    archive: ArchiveStore = None,
    prefix: Annotated[
        str, typer.Option(metavar="P", help="Only objects whose name begins so: a GCS prefix, not a folder.")
    ] = "",
    flatten: Annotated[bool, typer.Option("--flatten", help="In the copies' names every / becomes _.")] = False,
    verify: Annotated[
        Verify | None,
        typer.Option(
            metavar="read back|store's checksum",
            help="read back (the default): whatever is written is read again. store's checksum: the store's own "
            "checksum of the whole object is enough, where it has one.",
        ),
    ] = None,
    mode: AskedMode = Mode.CHANGED,
    report: Annotated[Path | None, report_option("Write the report as JSON here too.")] = None,
) -> None:
    """Copy what is new or has changed, the version before archived first, everything proven.

    Mode all proves every copy and its version anew. What is known of the copies lies in DARKROOM_STUDIO_STORE; after a
    kill the same command goes on with the rest.

    Example: darkroom archive --from gs://scans --to s3://scans --archive s3://scans-versions --prefix maps/
    """
    given = {"from": source, "to": target, "archive": archive}
    if file is not None:
        if any(given.values()) or flatten:
            raise BadInput(f"{file} says all of it: leave --from, --to, --archive and --flatten out.")
        pair = read_pair(Path(file))
    else:
        pair = _pair(given, Names.FLATTENED if flatten else Names.AS_THEY_ARE)
    request = request_of([pair], Params(mode=mode, prefix=prefix, verify=verify))
    result = run_here(FLOW, request, command=_COMMAND, subject=pair.name, workers=settings().workers)
    print_summary(result)
    write_report(result, report)
    raise typer.Exit(0 if result.ok else 1)


def _pair(given: dict[str, str | None], names: Names) -> Pair:
    if missing := [f"--{name}" for name in ("from", "to") if not given[name]]:
        both = "give --from and --to" if len(missing) > 1 else f"{missing[0]} too"
        raise BadInput(f"Name a pair's file, or {both}.")
    try:
        places = {name: value for name, value in given.items() if value}
        pair = Pair.model_validate({**places, "name": _COMMAND, "names": names})
    except ValidationError as error:
        raise BadInput(f"--{said}." for said in sentences(error, Pair)) from None
    if problems := [f"--{said}" for _, said in contradictions(pair)]:
        raise BadInput(problems)
    return pair


@app.command("check", cls=Command)
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Pairs' files.")],
) -> None:
    """Is a pair's file right? Says what is wrong in it, by line; no store is asked.

    Example: darkroom archive check include/pairs/*.yaml
    """
    problems: list[str] = []
    for file in files:
        try:
            pair = read_pair(file)
        except BadInput as error:
            problems += error.problems
            continue
        others = "" if pair.environment in (None, settings().environment) else f", only in {pair.environment}"
        typer.echo(f"fine: {pair.name}: {pair.said}, {pair.names}, {pair.verify}{others}")
    if problems:
        raise BadInput(problems)


@app.command("versions", cls=Command)
def versions(
    key: Key,
    pair: OfPair = None,
    target: To = None,
    archive: ArchiveStore = None,
    json: Json = False,
) -> None:
    """List every version of an object, the oldest first, with the name by which restore takes it.

    Example: darkroom archive versions maps/1890/sheet-2.tif --pair include/pairs/maps.yaml
    """
    found = 0
    for one in _pairs(pair, target, archive):
        for version in _versions(one, key):
            found += 1
            if json:
                print_json(_document(one, version))
            else:
                print(f"{version.name.id}  {version.entry.bytes:>14,}  {shown(_uri(one, version))}")
    if not found:
        raise BadInput(f"{key}: the archive has no version of it; give its name in the source or the target.")


@app.command("restore", cls=Command)
def restore(
    key: Key,
    version: Annotated[str, typer.Option(metavar="V", help="Which one, as `darkroom archive versions` names it.")],
    pair: OfPair = None,
    target: To = None,
    archive: ArchiveStore = None,
    into: Annotated[
        str | None,
        typer.Option(
            metavar="STORE",
            help="Bring it back here, such as the source, under its name there. Default: the pair's target.",
        ),
    ] = None,
) -> None:
    """Bring a version back; what stands there now is archived first, and nothing is lost.

    As long as the source has another version, the next run puts that back into the target: restore --into the source
    to make it last.

    Example: darkroom archive restore maps/a.tif --version 2026-11-27-05-06-07-UTC_0cc175b9c0f1 --into gs://scans
    """
    candidates = [
        (one, found)
        for one in _pairs(pair, target, archive)
        for found in _versions(one, key)
        if found.name.id == version
    ]
    if not candidates:
        raise BadInput(f"{key}: there is no version {version!r}; `darkroom archive versions {shown(key)}` lists them.")
    if len(candidates) > 1:
        names = ", ".join(one.name for one, _ in candidates)
        raise BadInput(f"{key}: several pairs have that version ({names}); say which with --pair.")
    one, found = candidates[0]
    store, copy = open_store(into or one.target), target_key(key, one.names)
    own = name_in(store.uri, one, key, source_of_copy(open_store(settings().studio_store), one, copy))
    restored = restore_version(_archive(one), found, store, own, copy)
    _say_restored(restored, one, into_mirror=store.uri == open_store(one.target).uri)


def _say_restored(restored: Restored, pair: Pair, *, into_mirror: bool) -> None:
    if not restored.written:
        typer.echo(f"{restored.uri} has that content already: nothing was written.")
        return
    before = f"; what stood there is {restored.archived}" if restored.archived else ""
    typer.echo(f"{restored.uri} is that version again, proven{before}.")
    if into_mirror:
        typer.echo(f"As long as {readable(pair.source)} has another version, the next run puts that back.", err=True)


def _pairs(file: str | None, target: str | None, archive: str | None) -> list[Pair]:
    """The pairs that are meant. Raises `BadInput` where there is none."""
    if file:
        pair = read_pair(Path(file))
        if not pair.archive:
            raise BadInput(f"{file}: this pair has no archive, and so no versions.")
        return [pair]
    if target and archive:
        return [Pair.model_validate({"name": _COMMAND, "from": target, "to": target, "archive": archive})]
    if target or archive:
        raise BadInput("Give both --to and --archive, or --pair.")
    pairs = [pair for one in pair_files().values() if (pair := read_pair(one)).archive]
    if not pairs:
        raise BadInput(f"There is no pair in {settings().pairs_dir}: give --pair FILE, or --to and --archive.")
    return pairs


def _versions(pair: Pair, key: str) -> list[Version]:
    """Those of an object. Raises `BadInput` for what can be no name in the archive."""
    copy = target_key(key, pair.names)
    try:
        open_store(pair.archive).uri_of(copy)
    except StoreError as error:
        raise BadInput(f"{shown(key)}: it is no object's name: {error}") from None
    return _archive(pair).versions(copy)


def _archive(pair: Pair) -> Archive:
    return Archive(open_store(pair.archive), open_store(settings().studio_store))


def _document(pair: Pair, version: Version) -> dict[str, object]:
    return {
        "pair": pair.name,
        "version": version.name.id,
        "time": version.name.time,
        "bytes": version.entry.bytes,
        "uri": _uri(pair, version),
    }


def _uri(pair: Pair, version: Version) -> str:
    return readable(open_store(pair.archive).uri_of(version.entry.key))
