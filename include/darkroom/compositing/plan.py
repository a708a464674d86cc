"""The plan: compares what should be with what stands, sheet by sheet, and drafts the jobs that make the difference."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from functools import cache, partial
from typing import Any

from darkroom import keys, ledger
from darkroom.checks.findings import Finding
from darkroom.compositing.approving import asks, documents
from darkroom.compositing.cost import ENOUGH, HELD, Pictures, seconds_of, spends_of
from darkroom.compositing.inputs import Inputs
from darkroom.compositing.job import CompositingJob, Group, LayerFile, Layout, Sheet
from darkroom.compositing.prepare import Prepared, prepare
from darkroom.compositing.request import Request
from darkroom.figures import Figures
from darkroom.flows import Costed, Draft, Run
from darkroom.jobs import Mode
from darkroom.keys import Picture
from darkroom.ledger import InputLedger, Ledger, LedgerEntry
from darkroom.ownership import refusal
from darkroom.planning import LONGEST
from darkroom.standing import Standing, look
from darkroom.store import Store, open_store
from darkroom.styles.names import colour_range
from darkroom.styles.stacks import Stack
from darkroom.unsettled import unsettled

NAME = "compositing"


def draft(request: Request, run: Run) -> Draft[Sheet]:
    """What a request wants made. Raises `BadInput` with every problem."""
    prepared = prepare(request, run.access)
    style, scope = prepared.style, prepared.scope
    store = open_store(request.store, run.access)
    lengths = ", ".join(style.length_names[length] for length in scope.lengths)
    drafted: Draft[Sheet] = Draft(
        title=f"{style.style} · {lengths} · {', '.join(scope.sides)} · {colour_range(scope.colours)}",
        output_store=store.uri,
        stores=(prepared.renders.uri,),
        distinct=0,
        findings=prepared.findings,
        prefixes=[keys.cut_prefix(style.style, cut) for cut in scope.cuts],
        enough=ENOUGH,
        label=lambda of_job: _label(prepared, of_job),
        job=lambda head, of_job: _job(prepared, head, of_job),
    )
    for sheet in compare(prepared, store, run.made, drafted):
        drafted.todo += [_costed(prepared, part, run.figures) for part in _parts(prepared, sheet, run.figures)]
    drafted.among = drafted.planned.total() * len(scope.cuts)
    if asks(request.approval, request.mode, new=bool(drafted.todo)):
        drafted.documents = documents(prepared, drafted, _found_last(store, prepared))
    return drafted


def _found_last(store: Store, prepared: Prepared) -> Sequence[Finding]:
    """What was found when the style's renders were delivered; of renders from elsewhere nobody knows."""
    from darkroom.checks.ingested import last_check  # what draws its page takes longer to import than a plan may need

    last = None if prepared.request.renders else last_check(store, prepared.style.style)
    return last.findings if last else ()


def compare(prepared: Prepared, store: Store, made: Set[str], drafted: Draft[Sheet]) -> Iterator[Sheet]:
    """What is to be made, sheet by sheet, beside what stands: the ledgers of one sheet at a time, for there are many.

    Mode `changed` leaves alone what stands from the same recipe; mode `all` only the pictures named in `made`, which an
    interrupted run of the same request made already.
    """
    style, scope = prepared.style.style, prepared.scope
    listed = {entry.key: entry.etag for cut in scope.cuts for entry in store.list(keys.cut_prefix(style, cut))}
    digests = ledger.read(store, keys.render_digests(style), InputLedger).inputs
    inputs = Inputs.delivered(prepared.renders, prepared.index, digests)
    left = cache(partial(unsettled, store, NAME, store.uri))
    for side in scope.sides:
        for colour in scope.colours:
            ledgers = [keys.composites_ledger(style, length, side, colour) for length in scope.lengths]
            standing = look(store, NAME, store, ledgers, listed, Ledger[LedgerEntry], left)
            sheet = _sheet(prepared, inputs, standing, made, colour, side, drafted)
            if sheet.groups:
                yield sheet


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
    prepared: Prepared,
    inputs: Inputs,
    standing: Standing[LedgerEntry],
    made: Set[str],
    colour: int,
    side: str,
    drafted: Draft[Sheet],
) -> Sheet:
    """One colour and side: its groups to make; the rest is counted in the draft. Pure."""
    style, cuts, layout = prepared.style.style, prepared.scope.cuts, prepared.request.layout
    groups: dict[tuple[Stack, tuple[tuple[str, str], ...]], list[str]] = defaultdict(list)
    replaces: dict[str, dict[str, str]] = {}
    for stack, pictures in _by_stack(prepared, colour, side).items():
        drafted.distinct = (drafted.distinct or 0) + 1
        missing = inputs.missing(stack, colour)
        recipes = inputs.recipes(stack, colour, cuts)
        for picture in pictures:
            name = picture.name
            targets = {cut: keys.picture(style, cut, name) for cut in cuts}
            if missing:
                reason = "; ".join(f"{layer}_{colour:04d}.png is missing" for layer in missing)
                drafted.refuse(name, picture.group, reason)
                drafted.stale.update(standing.stale(targets.values()))
                continue
            trusted = prepared.request.mode is not Mode.ALL or name in made
            told = {
                cut: wanted(_stands_from(standing, key, layout), recipes.get(cut, ""), trusted=trusted)
                for cut, key in targets.items()
            }
            todo = {cut: recipe for cut, recipe in told.items() if recipe is not None}
            if not todo:
                drafted.leave(picture.group)
                continue
            # under its sha256 a picture never replaces anything
            may = _replaceable(standing, {cut: targets[cut] for cut in todo}) if layout is Layout.NAMES else {}
            if isinstance(may, str):
                drafted.refuse(name, picture.group, may)
                continue
            drafted.planned[picture.group] += 1
            groups[stack, tuple(todo.items())].append(name)
            if may:
                replaces[name] = may
    return _gathered(prepared, colour, side, groups, replaces)


def _stands_from(standing: Standing[LedgerEntry], key: str, layout: Layout) -> str:
    """From which recipe a picture stands as it should, laid out as is asked; empty where it does not."""
    entry = standing.known.get(key)
    stands = standing.is_whole(key) and entry and bool(entry.stored) == (layout is Layout.CONTENT) and not entry.stale
    return entry.recipe if entry and stands else ""


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


def _replaceable(standing: Standing[LedgerEntry], targets: Mapping[str, str]) -> dict[str, str] | str:
    """Which ETags a picture's cuts may replace, of those that stand; or, in a sentence, why it is not to be made."""
    found = {cut: standing.replaceable(key) for cut, key in targets.items()}
    if taken := next((targets[cut] for cut, may in found.items() if may is None), None):
        return refusal(taken)
    return {cut: may for cut, may in found.items() if may}


def _by_stack(prepared: Prepared, colour: int, side: str) -> dict[Stack, list[Picture]]:
    """The different stacks of a sheet, over all its lengths, each with its pictures."""
    pictures: dict[Stack, list[Picture]] = defaultdict(list)
    for length in prepared.scope.lengths:
        for codes, stack in prepared.stacks[length, side]:
            pictures[stack].append(Picture(codes, length, side, colour))
    return pictures


def _parts(prepared: Prepared, sheet: Sheet, figures: Figures) -> Iterator[Sheet]:
    """A sheet, or where it takes longer than a job should its lengths.

    A picture that two lengths share goes with the first.
    """
    if _seconds(prepared, sheet, figures) <= LONGEST:
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


def _seconds(prepared: Prepared, sheet: Sheet, figures: Figures) -> float:
    return seconds_of(figures, _pixels(prepared, sheet), _groups(sheet), prepared.request.layout)


def _pixels(prepared: Prepared, sheet: Sheet) -> list[int]:
    """Of each of its layers."""
    return [width * height for width, height in (prepared.sizes[layer.key] for layer in sheet.layers)]


def _groups(sheet: Sheet) -> list[Pictures]:
    return [Pictures(1, len(group.names), tuple(group.cuts)) for group in sheet.groups]


def _costed(prepared: Prepared, sheet: Sheet, figures: Figures) -> Costed[Sheet]:
    """What a sheet costs, roughly."""
    pixels, groups, layout = _pixels(prepared, sheet), _groups(sheet), prepared.request.layout
    ledgers = len({_length_of(group) for group in sheet.groups})
    return Costed(
        sheet,
        seconds_of(figures, pixels, groups, layout),
        memory=max(pixels) * HELD,
        count=sum(len(group.names) for group in sheet.groups),
        apart=sheet.side,
        spends=spends_of(figures, len(pixels), groups, layout, ledgers=ledgers),
    )


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
