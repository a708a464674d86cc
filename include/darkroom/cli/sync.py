"""`darkroom sync`: a folder to a bucket, under rules; the commands are called as they always were."""

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from darkroom import keys
from darkroom.cli.commands import Command, Group
from darkroom.cli.options import listed
from darkroom.cli.summary import print_summary
from darkroom.errors import BadInput
from darkroom.flows import Run
from darkroom.guards import parse_max_delete
from darkroom.jobs import Manifest, Outcome, Report
from darkroom.plan_folder import PlanFolder
from darkroom.planning import previewed
from darkroom.reports import build_report
from darkroom.runs import run_here
from darkroom.sentences import sentences
from darkroom.settings import settings
from darkroom.store import open_store, readable
from darkroom.sync.dry_run import FileLine, SyncReport, lines
from darkroom.sync.flow import FLOW
from darkroom.sync.job import SyncItem, SyncJob, item_name
from darkroom.sync.lists import require_report_folder, write_lists
from darkroom.sync.profiles import Profile, contradictions, profile_files, read_profile, write_profile
from darkroom.sync.release import accepted_of
from darkroom.sync.request import Request, SyncMode, request_of
from darkroom.sync.rules import rules_named
from darkroom.sync.share import items_of, names_in

_COMMAND = "sync"  # where the command's plans lie below work/, and what a profile is called that has no file
_UNFINISHED = 1

app = typer.Typer(
    cls=Group,
    help="Sync a folder to a bucket, under rules, comparing bytes and never dates.\n\n"
    "configure once; then dryrun, look at error.txt, and copy (upload) or sync (upload, then remove what is gone).",
    no_args_is_help=True,
    add_completion=False,
)

Places = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[PROFILE | SRC DEST]", help="A profile, or a folder and its target. Default: the one profile."
    ),
]
RulesOption = Annotated[
    str | None,
    typer.Option(
        "--rules",
        metavar="FILE|stores|none",
        help="Which files may be uploaded: a rule file, stores (shipped; the default), or none for every file.",
    ),
]
MaxDelete = Annotated[
    str,
    typer.Option(
        "--max-delete", metavar="N|P%", help="Remove no more objects than N, or than P in a hundred; else none is."
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="GLOB", help="Leave these alone on both sides: *.tmp, drafts/. May be repeated."),
]
ReportFolder = Annotated[
    Path, typer.Option("--report", metavar="DIR", help="Where error.txt, success.txt and report.json go.")
]
PlanFile = Annotated[
    str,
    typer.Option(
        "--plan",
        metavar="FILE",
        help="Do what the report.json of a dry run says, or nothing where anything changed since.",
    ),
]
NoCache = Annotated[bool, typer.Option("--no-cache", help="Read every file, whatever is known of it.")]
HERE = Path()


@app.command("configure", cls=Command)
def configure(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="What the profile is called.")] = None,
    source: Annotated[str | None, typer.Option("--from", metavar="DIR", help="The folder.")] = None,
    target: Annotated[
        str | None, typer.Option("--to", metavar="STORE", help="Where its files go: s3://bucket.")
    ] = None,
    rules: RulesOption = None,
    max_delete: MaxDelete = "",
    exclude: Exclude = None,
) -> None:
    """Write a named profile; what is not given is asked.

    It is a YAML file in DARKROOM_PROFILES_DIR, to be edited by hand as well.

    Example: darkroom sync configure shops --from /mnt/shops --to s3://shop-pictures
    """
    asks = sys.stdin.isatty() or not (name and source and target)
    name = name or _asked("Name of the profile", "shops")
    source = source or _asked("Folder with the files", "")
    target = target or _asked("Bucket they go to (s3://...)", "")
    if rules is None:
        rules = _asked("Rules: stores, none, or a rule file", "stores") if asks else "stores"
    guards = {"guards": parse_max_delete(max_delete)} if max_delete else {}
    profile = _profile(
        {"name": name, "from": source, "to": target, "rules": rules, "exclude": listed(exclude, "--exclude"), **guards}
    )
    path = write_profile(profile, settings().profiles_dir)
    typer.echo(f"{path}: written. Next: darkroom sync dryrun {name}")


def _asked(question: str, default: str) -> str:
    """Raises `BadInput` where nobody is there to answer."""
    try:
        answer: str = typer.prompt(question, default=default or None, err=True)
    except typer.Abort:
        raise BadInput("configure: nobody answers; give NAME, --from and --to.") from None
    return answer.strip()


@app.command("dryrun", cls=Command)
def dryrun(
    places: Places = None,
    rules: RulesOption = None,
    delete: Annotated[bool, typer.Option("--delete", help="Say what sync would remove, too.")] = False,
    max_delete: MaxDelete = "",
    exclude: Exclude = None,
    report: ReportFolder = HERE,
    no_cache: NoCache = False,
) -> None:
    """Say what copy would do (with --delete: what sync would), and do nothing of it.

    Every file is looked at: error.txt has those that are refused, with their reasons, success.txt all others. A run
    right after it does exactly what it said; `--plan report.json` makes sure of that.

    Example: darkroom sync dryrun shops --report /tmp/shops
    """
    profile = _meant(places, rules, exclude)
    asked = {"max_delete": max_delete, "cached": not no_cache}
    request = request_of([profile], mode=SyncMode.PLAN, remove=delete, **asked)  # type: ignore[arg-type]
    require_report_folder(report)
    manifest, draft = previewed(FLOW, request, Run(_COMMAND, profile.name, here=True))
    result = build_report(manifest, ())
    todo = ((item, None) for item in items_of(draft.todo))
    print_summary(result)
    _write_lists(
        report,
        profile,
        result,
        partial(names_in, draft.texts[keys.ACCEPTED]),
        lines(todo, manifest.refused, manifest.stale, item_name(profile.name, "")),
    )
    _end(result, report)


@app.command("copy", cls=Command)
def copy(
    places: Places = None,
    rules: RulesOption = None,
    max_delete: MaxDelete = "",
    exclude: Exclude = None,
    report: ReportFolder = HERE,
    plan: PlanFile = "",
    no_cache: NoCache = False,
) -> None:
    """Upload what is new or has changed. Nothing is removed; what is replaced goes to removed/<date>/ first.

    --max-delete 100% allows a folder that is empty, or another one than the last run found.

    Example: darkroom sync copy /mnt/shops s3://shop-pictures
    """
    profile = _meant(places, rules, exclude)
    asked = {"max_delete": max_delete, "cached": not no_cache, "dry_run": plan}
    _run(request_of([profile], mode=SyncMode.COPY, **asked), profile, report)  # type: ignore[arg-type]


@app.command("sync", cls=Command)
def sync(
    places: Places = None,
    rules: RulesOption = None,
    delete: Annotated[bool, typer.Option("--delete", hidden=True)] = True,  # what sync is, and people type it
    max_delete: MaxDelete = "",
    exclude: Exclude = None,
    report: ReportFolder = HERE,
    plan: PlanFile = "",
    no_cache: NoCache = False,
) -> None:
    """Upload as copy does, then remove the objects whose files are gone: as many as the guards allow, or none.

    Only what the rules could have put there is ever removed, and it goes to removed/<date>/ first.

    Example: darkroom sync sync shops --max-delete 5%
    """
    profile = _meant(places, rules, exclude)
    asked = {"max_delete": max_delete, "cached": not no_cache, "dry_run": plan}
    _run(request_of([profile], mode=SyncMode.SYNC, **asked), profile, report)  # type: ignore[arg-type]


def _run(request: Request, profile: Profile, report: Path) -> None:
    require_report_folder(report)
    result = run_here(FLOW, request, command=_COMMAND, subject=profile.name, workers=settings().workers)
    print_summary(result)
    folder = PlanFolder.at(result.plan)
    manifest = folder.manifest()
    files = lines(_became(folder, manifest), manifest.refused, manifest.stale, item_name(profile.name, ""))
    _write_lists(report, profile, result, partial(accepted_of, folder), files)
    _end(result, report)


def _became(folder: PlanFolder, manifest: Manifest) -> Iterator[tuple[SyncItem, Outcome | None]]:
    """Each item of a plan, and what became of it; memory holds one job's."""
    for number in range(1, len(manifest.jobs) + 1):
        job, outcomes = folder.document(keys.job(number), SyncJob), folder.outcomes(number).latest
        yield from ((item, outcomes.get(item.name)) for item in (job.items if job else ()))


def _write_lists(
    folder: Path,
    profile: Profile,
    result: Report,
    accepted: Callable[[], Iterable[str]],
    files: Iterable[FileLine],
) -> None:
    head = SyncReport(source=profile.source, target=readable(open_store(profile.target).uri), report=result)
    write_lists(folder, head, accepted, result.not_done, files, item_name(profile.name, ""))


def _end(result: Report, report: Path) -> None:
    errors = result.refused + result.failed
    if errors:
        typer.echo(f"{errors:,} files are in {report / 'error.txt'}, a reason each.", err=True)
    raise typer.Exit(0 if result.ok else _UNFINISHED)


def _meant(places: Sequence[str] | None, rules: str | None, exclude: list[str] | None) -> Profile:
    """The profile that is meant, with what the options say otherwise. Raises `BadInput`."""
    given = {"rules": rules} if rules is not None else {}
    patterns = listed(exclude, "--exclude")
    match list(places or ()):
        case [source, target]:
            return _profile({"name": _COMMAND, "from": source, "to": target, "exclude": patterns, **given})
        case [name]:
            profile = _named(name)
        case []:
            profile = _only()
        case _:
            raise BadInput("Give a profile's name, or a folder and where it goes; no more than these two.")
    changed = profile.model_copy(update={**given, "exclude": (*profile.exclude, *patterns)})
    return _checked(changed)


def _named(name: str) -> Profile:
    files = profile_files()
    if name not in files:
        there = f"there {'are ' + ', '.join(files) if files else 'is none'} in {settings().profiles_dir}"
        raise BadInput(f"{name!r} is no profile; {there}. `darkroom sync configure` makes one; else give SRC and DEST.")
    return read_profile(files[name])


def _only() -> Profile:
    enabled = [profile for file in profile_files().values() if (profile := read_profile(file)).enabled]
    if len(enabled) != 1:
        names = ", ".join(profile.name for profile in enabled)
        which = (
            f"say which of the profiles: {names}"
            if enabled
            else "there is no profile: `darkroom sync configure` makes one"
        )
        raise BadInput(f"Give a folder and where it goes, or {which}.")
    return enabled[0]


def _profile(fields: Mapping[str, object]) -> Profile:
    try:
        return _checked(Profile.model_validate(fields))
    except ValidationError as error:
        raise BadInput(f"{said}." for said in sentences(error, Profile)) from None


def _checked(profile: Profile) -> Profile:
    """Raises `BadInput` where it contradicts itself, or its rules cannot be read."""
    if problems := [said for _, said in contradictions(profile)]:
        raise BadInput(problems)
    rules_named(profile.rules)
    return profile
