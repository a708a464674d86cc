"""The plan: compares what should be with what stands, and writes the jobs that make the difference."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache, partial

from darkroom import keys, ledger
from darkroom.compositing.job import CompositingJob, Group, LayerFile, Layout, Sheet
from darkroom.compositing.prepare import Prepared
from darkroom.compositing.recipe import recipe_digest
from darkroom.jobs import (
    MOST_JOBS,
    GroupPlan,
    JobRef,
    Manifest,
    Mode,
    NotDone,
    PlanFolder,
    State,
    dump,
    new_plan_id,
    parse,
)
from darkroom.ledger import InputLedger, Ledger
from darkroom.ownership import Targets, refusal
from darkroom.store import Store, open_store
from darkroom.styles.stacks import Stack
from darkroom.unsettled import unsettled

FLOW = "compositing"

# Estimates of one core's time, only to cut jobs to a sensible length: seconds for each pixel to decode, for each pixel
# of a stack's frame to reduce, and for each different picture to encode with its cuts.
_DECODE, _REDUCE, _ENCODE = 25e-9, 5e-9, 0.03
_SHORTEST, _LONGEST = 60.0, 600.0
_ABANDONED = timedelta(days=1)


@dataclass
class Standing:
    """What stands in the store of one sheet."""

    outputs: Mapping[str, ledger.LedgerEntry]
    """The ledgers' entries whose objects the listing shows unchanged, and laid out as is asked."""
    known: Mapping[str, ledger.LedgerEntry]
    """All of the ledgers' entries."""
    listed: Mapping[str, str]
    """Every object of the style's cuts, with its ETag."""
    digests: Mapping[str, ledger.KnownDigest]
    targets: Targets

    def stands(self, key: str) -> bool:
        """Is there an object for a picture, whatever it is?"""
        entry = self.known.get(key)
        return key in self.listed or (entry is not None and entry.stored in self.listed)


@dataclass
class Comparison:
    """What a run has to do: the sheets, and the counts beside them."""

    sheets: list[Sheet] = field(default_factory=list)
    planned: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: list[NotDone] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    distinct: int = 0


def compare(prepared: Prepared, store: Store, made: Set[str] = frozenset()) -> Comparison:
    """What is to be made, sheet by sheet, beside what stands: the ledgers of one sheet at a time, for there are many.

    Mode `changed` leaves alone what stands from the same recipe; mode `all` only the pictures named in `made`, which an
    interrupted run of the same request made already.
    """
    style, scope = prepared.style.style, prepared.scope
    listed = {entry.key: entry.etag for cut in scope.cuts for entry in store.list(keys.cut_prefix(style, cut))}
    digests = ledger.read(store, keys.render_digests(style), InputLedger).inputs
    comparison = Comparison()
    left = cache(lambda: unsettled(store, FLOW, partial(_targets_of, store)))
    for side in scope.sides:
        for colour in scope.colours:
            known = _known(prepared, store, colour, side)
            targets = Targets({key: entry.etag_by_name for key, entry in known.items() if entry.etag_by_name}, left)
            standing = Standing(_unchanged(known, listed, prepared.request.layout), known, listed, digests, targets)
            sheet = _sheet(prepared, standing, made, colour, side, comparison)
            if sheet.groups:
                comparison.sheets.append(sheet)
    return comparison


def _known(prepared: Prepared, store: Store, colour: int, side: str) -> dict[str, ledger.LedgerEntry]:
    """What the ledgers of a sheet's lengths know."""
    entries: dict[str, ledger.LedgerEntry] = {}
    for length in prepared.scope.lengths:
        key = keys.composites_ledger(prepared.style.style, length, side, colour)
        entries |= ledger.read(store, key, Ledger).outputs
    return entries


def _unchanged(
    known: Mapping[str, ledger.LedgerEntry], listed: Mapping[str, str], layout: Layout
) -> dict[str, ledger.LedgerEntry]:
    return {
        key: entry
        for key, entry in known.items()
        if listed.get(entry.stored or key) == entry.etag and bool(entry.stored) == (layout == "content")
    }


def _sheet(
    prepared: Prepared, standing: Standing, made: Set[str], colour: int, side: str, comparison: Comparison
) -> Sheet:
    """One colour and side: its groups to make; counts go to the comparison. Pure."""
    style, cuts = prepared.style.style, prepared.scope.cuts
    numbers: dict[str, int] = {}
    files: list[LayerFile] = []
    groups: dict[tuple[Stack, tuple[tuple[str, str], ...]], list[str]] = defaultdict(list)
    replaces: dict[str, dict[str, str]] = {}
    for stack, names in _by_stack(prepared, colour, side).items():
        comparison.planned.update(map(keys.picture_group, names))
        comparison.distinct += 1
        missing = [layer for layer in stack if not prepared.file(layer, colour)]
        if missing:
            reason = "; ".join(f"{layer}_{colour:04d}.png is missing" for layer in missing)
            _refuse(names, reason, style, cuts, standing, comparison)
            continue
        recipes = _recipes(prepared, standing, stack, colour)
        for name in names:
            standing_recipes = {
                cut: entry.recipe
                for cut in cuts
                if (entry := standing.outputs.get(keys.picture(style, cut, name))) and not entry.stale
            }
            trusted = prepared.request.mode is not Mode.ALL or name in made
            todo = {cut: standing_recipes.get(cut, "") if trusted else "" for cut in cuts}
            if trusted and recipes:
                todo = {cut: recipe for cut, recipe in todo.items() if recipe != recipes[cut]}
            if not todo:
                comparison.skipped[keys.picture_group(name)] += 1
                continue
            # under its sha256 a picture never replaces anything
            may = _replaceable(standing, style, name, todo) if prepared.request.layout == "names" else {}
            if isinstance(may, str):
                comparison.refused.append(_refused(name, may))
                continue
            groups[stack, tuple(todo.items())].append(name)
            if may:
                replaces[name] = may
    for stack, _ in groups:
        for layer in stack:
            file = prepared.file(layer, colour)
            if layer not in numbers and file:
                numbers[layer] = len(files)
                files.append(LayerFile(key=file.key, etag=file.etag))
    return Sheet(
        colour=colour,
        side=side,
        layers=tuple(files),
        groups=tuple(
            Group(
                stack=tuple(numbers[layer] for layer in stack),
                names=tuple(names),
                cuts=dict(todo_cuts),
                replaces={name: replaces[name] for name in names if name in replaces},
            )
            for (stack, todo_cuts), names in groups.items()
        ),
    )


def _replaceable(standing: Standing, style: str, name: str, cuts: Iterable[str]) -> dict[str, str] | str:
    """Which ETags a picture's cuts may replace, of those that stand; or, in a sentence, why it is not to be made."""
    found = {}
    for cut in cuts:
        key = keys.picture(style, cut, name)
        may = standing.targets.replaceable(key, standing.listed.get(key))
        if may is None:
            return refusal(key)
        if may:
            found[cut] = may
    return found


def _targets_of(store: Store, data: bytes, where: str) -> list[str]:
    """Which pictures a job writes into a store under their names."""
    job = parse(CompositingJob, data, where)
    if job.layout != "names" or job.store != store.uri:
        return []
    groups = [group for sheet in job.sheets for group in sheet.groups]
    return [keys.picture(job.style, cut, name) for group in groups for name in group.names for cut in group.cuts]


def _by_stack(prepared: Prepared, colour: int, side: str) -> dict[Stack, list[str]]:
    """The different stacks of a sheet, over all its lengths, each with the names of its pictures."""
    names: dict[Stack, list[str]] = defaultdict(list)
    for length in prepared.scope.lengths:
        for codes, stack in prepared.stacks[length, side]:
            names[stack].append(keys.picture_name(codes, length, side, colour))
    return names


def _recipes(prepared: Prepared, standing: Standing, stack: Stack, colour: int) -> dict[str, str]:
    """Each cut's recipe digest, or nothing where a layer's content is not known without reading it."""
    digests = []
    for layer in stack:
        entry = prepared.file(layer, colour)
        known = standing.digests.get(prepared.renders.uri_of(entry.key)) if entry else None
        if entry is None or known is None or known.etag != entry.etag:
            return {}
        digests.append(known.digest)
    return {cut: recipe_digest(digests, cut) for cut in prepared.scope.cuts}


def _refuse(
    names: Iterable[str], reason: str, style: str, cuts: Iterable[str], standing: Standing, comparison: Comparison
) -> None:
    for name in names:
        comparison.refused.append(_refused(name, reason))
        pictures = (keys.picture(style, cut, name) for cut in cuts)
        comparison.stale.extend(key for key in pictures if standing.stands(key))


def _refused(name: str, reason: str) -> NotDone:
    return NotDone(item=name, group=keys.picture_group(name), state=State.REFUSED, reason=reason)


def split(prepared: Prepared, sheets: list[Sheet]) -> list[list[Sheet]]:
    """The sheets gathered into jobs by their estimated time.

    Above a minute a sheet is a job of its own, above ten it is split by length; below a minute sheets are joined.
    """
    shortest = _SHORTEST
    while True:
        jobs = list(_gather(prepared, sheets, shortest))
        if len(jobs) <= MOST_JOBS:
            return jobs
        shortest *= 2


def _gather(prepared: Prepared, sheets: list[Sheet], shortest: float) -> Iterator[list[Sheet]]:
    job: list[Sheet] = []
    seconds = 0.0
    for sheet in sheets:
        cost = estimate(prepared, sheet)
        if job and (seconds >= shortest or seconds + cost > _LONGEST or job[-1].side != sheet.side):
            yield job
            job, seconds = [], 0.0
        if cost > max(_LONGEST, shortest):
            yield from ([part] for part in _by_length(sheet))
            continue
        job.append(sheet)
        seconds += cost
    if job:
        yield job


def _by_length(sheet: Sheet) -> Iterator[Sheet]:
    """A sheet's lengths as sheets of their own; a picture that two lengths share goes with the first."""
    lengths: dict[str, list[Group]] = defaultdict(list)
    for group in sheet.groups:
        lengths[keys.picture_group(group.names[0])].append(group)
    for groups in lengths.values():
        used = sorted({number for group in groups for number in group.stack})
        renumbered = {number: at for at, number in enumerate(used)}
        yield sheet.model_copy(
            update={
                "layers": tuple(sheet.layers[number] for number in used),
                "groups": tuple(
                    group.model_copy(update={"stack": tuple(renumbered[number] for number in group.stack)})
                    for group in groups
                ),
            }
        )


def estimate(prepared: Prepared, sheet: Sheet) -> float:
    """Seconds of one core that a sheet takes, roughly."""
    pixels = [width * height for width, height in (prepared.sizes[layer.key] for layer in sheet.layers)]
    largest = max(pixels, default=0)
    return sum(pixels) * _DECODE + len(sheet.groups) * (largest * _REDUCE + _ENCODE)


def write_plan(prepared: Prepared, dag_id: str, run_id: str, made: Set[str] = frozenset()) -> Manifest:
    """Compare, and write the plan's folder: jobs first, the manifest last, so that a manifest means a whole plan."""
    store = open_store(prepared.request.store)
    comparison = compare(prepared, store, made)
    folder = PlanFolder(store, keys.plan_folder(dag_id, run_id, new_plan_id()))
    refs = []
    if prepared.request.mode is not Mode.PLAN:
        for cut in prepared.scope.cuts:
            store.sweep(keys.cut_prefix(prepared.style.style, cut), older_than=_ABANDONED)
        for number, sheets in enumerate(split(prepared, comparison.sheets), 1):
            job = _job(prepared, folder, number, sheets)
            folder.write(keys.job(number), dump(job))
            items = sum(len(group.names) for sheet in sheets for group in sheet.groups)
            refs.append(JobRef(uri=folder.uri_of(keys.job(number)), label=job.label, machine=job.machine, items=items))
    manifest = make_manifest(prepared, comparison, folder.uri, refs)
    folder.write(keys.MANIFEST, dump(manifest))
    return manifest


def make_manifest(prepared: Prepared, comparison: Comparison, uri: str, refs: Iterable[JobRef]) -> Manifest:
    """The plan's document."""
    style, scope = prepared.style, prepared.scope
    lengths = ", ".join(style.length_names[length] for length in scope.lengths)
    return Manifest(
        flow=FLOW,
        uri=uri,
        store=open_store(prepared.request.store).uri,
        mode=prepared.request.mode,
        created=prepared.began,
        subject=style.style,
        title=f"{style.style} · {lengths} · {', '.join(scope.sides)} · {colour_range(scope.colours)}",
        request=prepared.request.model_dump(mode="json"),
        planned=comparison.planned.total(),
        skipped=comparison.skipped.total(),
        todo=sum(len(group.names) for sheet in comparison.sheets for group in sheet.groups),
        distinct=comparison.distinct,
        refused=tuple(comparison.refused),
        findings=tuple(prepared.findings),
        stale=tuple(comparison.stale),
        groups={
            group: GroupPlan(planned=planned, skipped=comparison.skipped[group])
            for group, planned in comparison.planned.items()
        },
        jobs=tuple(refs),
    )


def _job(prepared: Prepared, folder: PlanFolder, number: int, sheets: list[Sheet]) -> CompositingJob:
    groups = {
        keys.picture_group(name).rpartition(" ")[0]
        for sheet in sheets
        for group in sheet.groups
        for name in group.names
    }
    names = prepared.style.length_names
    lengths = ", ".join(names[length] for length in prepared.scope.lengths if length in groups)
    colours = colour_range([sheet.colour for sheet in sheets])
    sizes = [prepared.sizes[layer.key] for sheet in sheets for layer in sheet.layers]
    largest = max(width * height for width, height in sizes)
    return CompositingJob(
        flow=FLOW,
        number=number,
        label=f"{prepared.style.style} · {colours} · {sheets[0].side} · {lengths}",
        machine="small" if largest <= 10_000_000 else "large" if largest <= 40_000_000 else "xlarge",
        plan=folder.uri,
        store=folder.store.uri,
        style=prepared.style.style,
        renders=prepared.renders.uri,
        width=max(width for width, _ in sizes),
        layout=prepared.request.layout,
        sheets=tuple(sheets),
    )


def colour_range(colours: Iterable[int]) -> str:
    """Colours as people read them: runs with a dash.

    >>> colour_range([0, 1, 2, 5])
    '0000-0002, 0005'
    """
    runs: list[list[int]] = []
    for colour in sorted(colours):
        if runs and colour == runs[-1][-1] + 1:
            runs[-1].append(colour)
        else:
            runs.append([colour])
    return ", ".join(f"{run[0]:04d}" if len(run) == 1 else f"{run[0]:04d}-{run[-1]:04d}" for run in runs)
