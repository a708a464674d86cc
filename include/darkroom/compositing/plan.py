"""The plan: compares what should be with what stands, sheet by sheet, and drafts the jobs that make the difference."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from darkroom import keys, ledger
from darkroom.compositing.job import CompositingJob, Group, LayerFile, Layout, Sheet
from darkroom.compositing.prepare import Prepared, prepare
from darkroom.compositing.recipe import recipe_digest
from darkroom.compositing.request import Request
from darkroom.flows import Costed, Draft, Run
from darkroom.jobs import Mode, NotDone, State
from darkroom.keys import Picture
from darkroom.ledger import InputLedger, KnownDigest, Ledger, LedgerEntry
from darkroom.ownership import Targets, Unsettled, refusal
from darkroom.planning import LONGEST
from darkroom.store import Store, open_store
from darkroom.styles.stacks import Stack
from darkroom.unsettled import unsettled

NAME = "compositing"

# Estimates of one core's time, only to cut jobs to a sensible length: seconds for each pixel to decode, for each pixel
# of a stack's frame to reduce, and for each different picture to encode with its cuts.
_DECODE, _REDUCE, _ENCODE = 25e-9, 5e-9, 0.03
_ENOUGH = 60.0  # seconds from which a sheet is a job of its own
_HELD = 429  # bytes for each pixel of the largest frame: 10 megapixels are what a small machine takes


@dataclass
class Standing:
    """What stands in the store of one sheet."""

    outputs: Mapping[str, LedgerEntry]
    """The ledgers' entries whose objects the listing shows unchanged, and laid out as is asked."""
    known: Mapping[str, LedgerEntry]
    """All of the ledgers' entries."""
    listed: Mapping[str, str]
    """Every object of the style's cuts, with its ETag."""
    digests: Mapping[str, KnownDigest]
    targets: Targets

    def stands(self, key: str) -> bool:
        """Is there an object for a picture, whatever it is?"""
        entry = self.known.get(key)
        return key in self.listed or (entry is not None and entry.stored in self.listed)

    def recipe(self, key: str) -> str:
        """From which recipe a picture stands as it should; empty where it does not."""
        entry = self.outputs.get(key)
        return entry.recipe if entry and not entry.stale else ""


@dataclass
class Comparison:
    """What a run has to do: the sheets, and the counts beside them."""

    sheets: list[Sheet] = field(default_factory=list)
    planned: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: list[NotDone] = field(default_factory=list)
    stale: dict[str, str] = field(default_factory=dict)
    distinct: int = 0


def draft(request: Request, run: Run) -> Draft[Sheet]:
    """What a request wants made. Raises `BadInput` with every problem."""
    prepared = prepare(request, run.access)
    style, scope = prepared.style, prepared.scope
    store = open_store(request.store, run.access)
    found = compare(prepared, store, run.made)
    lengths = ", ".join(style.length_names[length] for length in scope.lengths)
    sheets = [part for sheet in found.sheets for part in _parts(prepared, sheet)]
    return Draft(
        title=f"{style.style} · {lengths} · {', '.join(scope.sides)} · {colour_range(scope.colours)}",
        output_store=store.uri,
        stores=(prepared.renders.uri,),
        planned=found.planned,
        skipped=found.skipped,
        distinct=found.distinct,
        refused=found.refused,
        findings=prepared.findings,
        stale=found.stale,
        prefixes=[keys.cut_prefix(style.style, cut) for cut in scope.cuts],
        todo=[_costed(prepared, sheet) for sheet in sheets],
        enough=_ENOUGH,
        label=lambda of_job: _label(prepared, of_job),
        job=lambda head, of_job: _job(prepared, head, of_job),
    )


def compare(prepared: Prepared, store: Store, made: Set[str] = frozenset()) -> Comparison:
    """What is to be made, sheet by sheet, beside what stands: the ledgers of one sheet at a time, for there are many.

    Mode `changed` leaves alone what stands from the same recipe; mode `all` only the pictures named in `made`, which an
    interrupted run of the same request made already.
    """
    style, scope = prepared.style.style, prepared.scope
    listed = {entry.key: entry.etag for cut in scope.cuts for entry in store.list(keys.cut_prefix(style, cut))}
    digests = ledger.read(store, keys.render_digests(style), InputLedger).inputs
    comparison = Comparison()

    @cache
    def left() -> Unsettled:
        return unsettled(store, NAME, store.uri)

    for side in scope.sides:
        for colour in scope.colours:
            ledgers = [ledger.read(store, key, Ledger[LedgerEntry]) for key in _ledgers(prepared, colour, side)]
            known = {key: entry for one in ledgers for key, entry in one.outputs.items()}
            etags = {key: entry.etag_by_name for key, entry in known.items() if entry.etag_by_name}
            targets = Targets(etags, left, damaged=any(one.damaged for one in ledgers))
            standing = Standing(_unchanged(known, listed, prepared.request.layout), known, listed, digests, targets)
            sheet = _sheet(prepared, standing, made, colour, side, comparison)
            if sheet.groups:
                comparison.sheets.append(sheet)
    return comparison


def _ledgers(prepared: Prepared, colour: int, side: str) -> list[str]:
    style = prepared.style.style
    return [keys.composites_ledger(style, length, side, colour) for length in prepared.scope.lengths]


def _unchanged(known: Mapping[str, LedgerEntry], listed: Mapping[str, str], layout: Layout) -> dict[str, LedgerEntry]:
    return {
        key: entry
        for key, entry in known.items()
        if listed.get(entry.stored or key) == entry.etag and bool(entry.stored) == (layout == "content")
    }


def wanted(stands: str, recipe: str, *, trusted: bool) -> str | None:
    """What a job is told of one cut of a picture: the recipe from which it stands; None: nothing, it is not wanted.

    `stands` is the recipe from which it stands as it should, `recipe` what its layers give; each empty where that is
    not the case or not known. `trusted`: does what stands count (mode `changed` and `plan`, or made by this run before
    it was interrupted)?

    | trusted | stands | recipe | the job is told |
    | --- | --- | --- | --- |
    | no | | | empty: make it |
    | yes | no | | empty: make it |
    | yes | yes | the same | None: leave it |
    | yes | yes | another | the recipe; the worker will see that it is another, and make it |
    | yes | yes | not known before the layers are read | the recipe; where it is the same, the worker skips it |
    """
    if not trusted:
        return ""
    return None if stands and stands == recipe else stands


def _sheet(
    prepared: Prepared, standing: Standing, made: Set[str], colour: int, side: str, comparison: Comparison
) -> Sheet:
    """One colour and side: its groups to make; counts go to the comparison. Pure."""
    style, cuts, layout = prepared.style.style, prepared.scope.cuts, prepared.request.layout
    groups: dict[tuple[Stack, tuple[tuple[str, str], ...]], list[str]] = defaultdict(list)
    replaces: dict[str, dict[str, str]] = {}
    for stack, pictures in _by_stack(prepared, colour, side).items():
        comparison.planned.update(picture.group for picture in pictures)
        comparison.distinct += 1
        missing = [layer for layer in stack if not prepared.file(layer, colour)]
        if missing:
            reason = "; ".join(f"{layer}_{colour:04d}.png is missing" for layer in missing)
            _refuse(pictures, reason, style, cuts, standing, comparison)
            continue
        recipes = _recipes(prepared, standing, stack, colour)
        for picture in pictures:
            name = picture.name
            trusted = prepared.request.mode is not Mode.ALL or name in made
            told = {
                cut: wanted(standing.recipe(keys.picture(style, cut, name)), recipes.get(cut, ""), trusted=trusted)
                for cut in cuts
            }
            todo = {cut: recipe for cut, recipe in told.items() if recipe is not None}
            if not todo:
                comparison.skipped[picture.group] += 1
                continue
            # under its sha256 a picture never replaces anything
            may = _replaceable(standing, style, name, todo) if layout == "names" else {}
            if isinstance(may, str):
                comparison.refused.append(_refused(picture, may))
                continue
            groups[stack, tuple(todo.items())].append(name)
            if may:
                replaces[name] = may
    return _gathered(prepared, colour, side, groups, replaces)


def _gathered(
    prepared: Prepared,
    colour: int,
    side: str,
    groups: Mapping[tuple[Stack, tuple[tuple[str, str], ...]], list[str]],
    replaces: Mapping[str, Mapping[str, str]],
) -> Sheet:
    """A sheet of groups, each layer named once."""
    numbers: dict[str, int] = {}
    files: list[LayerFile] = []
    for layer in (layer for stack, _ in groups for layer in stack):
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
                cuts=dict(todo),
                replaces={name: dict(replaces[name]) for name in names if name in replaces},
            )
            for (stack, todo), names in groups.items()
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


def _by_stack(prepared: Prepared, colour: int, side: str) -> dict[Stack, list[Picture]]:
    """The different stacks of a sheet, over all its lengths, each with its pictures."""
    pictures: dict[Stack, list[Picture]] = defaultdict(list)
    for length in prepared.scope.lengths:
        for codes, stack in prepared.stacks[length, side]:
            pictures[stack].append(Picture(codes, length, side, colour))
    return pictures


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
    pictures: Iterable[Picture],
    reason: str,
    style: str,
    cuts: Sequence[str],
    standing: Standing,
    comparison: Comparison,
) -> None:
    """Refuse pictures that lack a layer; what stands of them, as the ledger knows it, is stale."""
    for picture in pictures:
        comparison.refused.append(_refused(picture, reason))
        for key in (keys.picture(style, cut, picture.name) for cut in cuts):
            if standing.stands(key):
                entry = standing.known.get(key)
                comparison.stale[key] = entry.etag if entry else ""


def _refused(picture: Picture, reason: str) -> NotDone:
    return NotDone(item=picture.name, group=picture.group, state=State.REFUSED, reason=reason)


def _parts(prepared: Prepared, sheet: Sheet) -> Iterator[Sheet]:
    """A sheet, or where it takes longer than a job should its lengths.

    A picture that two lengths share goes with the first.
    """
    if estimate(prepared, sheet) <= LONGEST:
        yield sheet
        return
    lengths: dict[str, list[Group]] = defaultdict(list)
    for group in sheet.groups:
        lengths[_length_of(group)].append(group)
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


def _length_of(group: Group) -> str:
    picture = Picture.parse(group.names[0])
    assert picture
    return picture.length


def estimate(prepared: Prepared, sheet: Sheet) -> float:
    """Seconds of one core that a sheet takes, roughly."""
    pixels = [width * height for width, height in (prepared.sizes[layer.key] for layer in sheet.layers)]
    largest = max(pixels, default=0)
    return sum(pixels) * _DECODE + len(sheet.groups) * (largest * _REDUCE + _ENCODE)


def _costed(prepared: Prepared, sheet: Sheet) -> Costed[Sheet]:
    largest = max(width * height for width, height in (prepared.sizes[layer.key] for layer in sheet.layers))
    count = sum(len(group.names) for group in sheet.groups)
    return Costed(sheet, estimate(prepared, sheet), memory=largest * _HELD, count=count, apart=sheet.side)


def _label(prepared: Prepared, sheets: Sequence[Sheet]) -> str:
    of_job = {picture.length for sheet in sheets for group in sheet.groups for picture in _pictures(group)}
    names = prepared.style.length_names
    lengths = ", ".join(names[length] for length in prepared.scope.lengths if length in of_job)
    colours = colour_range({sheet.colour for sheet in sheets})
    return f"{prepared.style.style} · {colours} · {sheets[0].side} · {lengths}"


def _pictures(group: Group) -> Iterator[Picture]:
    return (picture for name in group.names if (picture := Picture.parse(name)))


def _job(prepared: Prepared, head: Mapping[str, Any], sheets: Sequence[Sheet]) -> CompositingJob:
    return CompositingJob(
        **head,
        style=prepared.style.style,
        renders=prepared.renders.uri,
        width=max(prepared.sizes[layer.key][0] for sheet in sheets for layer in sheet.layers),
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
