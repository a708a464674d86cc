"""Is every picture that should be there, there, whole and current?"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product

import pyvips
from pydantic import BaseModel, ConfigDict

from darkroom import keys, ledger
from darkroom.checks.renders import index_renders
from darkroom.compositing.inputs import Inputs, drawn
from darkroom.compositing.plan import NAME
from darkroom.compositing.prepare import Codes, LengthSide, pictures_of
from darkroom.compositing.profiles import COMPOSITE, CROPS, CUTS, HEIGHT, WIDTH
from darkroom.compositing.request import Request, Scope, check_scope, renders_location
from darkroom.errors import BadInput, StoreError
from darkroom.jobs import Document
from darkroom.keys import Picture
from darkroom.ledger import InputLedger, Ledger, LedgerEntry
from darkroom.progress import in_parallel
from darkroom.standing import look
from darkroom.store import Entry, Store, open_store, readable
from darkroom.styles.names import SIDES
from darkroom.styles.stacks import Stack
from darkroom.styles.style import Style
from darkroom.styles.style_file import read_style


class Finding(BaseModel):
    """One picture that is not as it should be: `kind` is missing, stale, broken or extra."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    key: str
    reason: str


class CutCounts(BaseModel):
    """The counts of one length and cut."""

    model_config = ConfigDict(extra="forbid")

    expected: int = 0
    fine: int = 0
    missing: int = 0
    stale: int = 0
    broken: int = 0
    extra: int = 0


class Verification(Document):
    """What `darkroom verify` found: counts by length and cut (`knee 800x800`), and every finding."""

    style: str
    colours: tuple[int, ...]
    counts: dict[str, CutCounts]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Is everything there, whole and current, and nothing else?"""
        return not self.findings


@dataclass(frozen=True)
class _Expected:
    key: str
    length: str
    cut: str
    stack: Stack
    colour: int


def verify(request: Request, workers: int, *, deep: bool = False) -> Verification:
    """Compare what the style says should be with the store's listing, ledgers and the pictures themselves.

    Where the request names no colours, sides or cuts, those count that the ledgers know for the lengths: what was
    ever made here. `deep`: every render is read, and what it holds counts. Raises `BadInput` as `prepare` does.
    """
    style = read_style(request.style_file)
    scope = check_scope(request, style)
    store = open_store(request.store)
    sheets = product(scope.lengths, SIDES, range(style.colours))
    ledgers = [keys.composites_ledger(style.style, *sheet) for sheet in sheets]
    outputs = look(store, NAME, store, ledgers, {}, Ledger[LedgerEntry]).known
    scope, notes = _made_scope(request, scope, outputs, style)
    inputs = _inputs(request, style, store, notes).read_again(workers, deep=deep)
    stacks, findings = pictures_of(request, style, scope, inputs.layers())
    expected = {picture.key: picture for picture in _expected(style, scope, stacks)}
    listing = {entry.key: entry for cut in scope.cuts for entry in store.list(keys.cut_prefix(style.style, cut))}

    @cache
    def recipes(stack: Stack, colour: int) -> tuple[dict[str, str], str]:
        return inputs.recipes(stack, colour, scope.cuts), _unlike(inputs, stack, colour)

    def judge(picture: _Expected) -> Finding | None:
        entry = outputs.get(picture.key)
        found = listing.get(entry.stored or picture.key if entry else picture.key)
        if found is None:
            return Finding(kind="missing", key=picture.key, reason="it is not there")
        if entry is None:
            return Finding(kind="stale", key=picture.key, reason="no ledger knows what it was made from")
        if (found.etag, found.bytes) != (entry.etag, entry.bytes):
            return Finding(kind="broken", key=picture.key, reason="it is another file than was written")
        now, unlike = recipes(picture.stack, picture.colour)
        if entry.stale or unlike:
            return Finding(kind="stale", key=picture.key, reason=entry.stale or unlike)
        if now[picture.cut] != entry.recipe:
            return Finding(kind="stale", key=picture.key, reason="it was made from another recipe")
        return None

    found = {picture.key: finding for picture in expected.values() if (finding := judge(picture))}
    stored = {key: entry.stored or key for key, entry in outputs.items()}
    whole = {key: listing[stored[key]] for key in expected if key not in found}
    found |= {finding.key: finding for finding in _broken(store, whole, workers)}
    ours = expected.keys() | set(stored.values()) | {keys.index(style.style, cut) for cut in scope.cuts}
    extra = list(_extra(listing.keys() - ours, scope))
    counts = _counts(expected.values(), found, extra)
    every = (*found.values(), *(finding for finding, _ in extra))
    return Verification(
        style=style.style, colours=scope.colours, counts=counts, findings=every, notes=tuple(notes + findings)
    )


def _made_scope(request: Request, scope: Scope, outputs: Iterable[str], style: Style) -> tuple[Scope, list[str]]:
    """The scope narrowed to what was ever made, where the request leaves it open."""
    made = [(key.split("/")[-2], one.side, one.colour) for key in outputs if (one := _picture(key))]
    if not made:
        return scope, ["No ledger knows a picture of these lengths: all colours, sides and cuts are expected."]
    colours, sides, cuts = scope.colours, scope.sides, scope.cuts
    notes = []
    if not request.colours:
        colours = tuple(sorted({colour for _, _, colour in made}))
        if len(colours) < style.colours:
            notes.append(
                f"{len(colours)} of {style.colours} colours were made here; "
                f"--colours 0-{style.colours - 1} expects all."
            )
    if not request.sides:
        sides = tuple(side for side in scope.sides if any(side == one for _, one, _ in made))
    if not request.cuts:
        cuts = tuple(cut for cut in CUTS if any(cut == one for one, _, _ in made))
    return Scope(scope.lengths, colours, sides, cuts, scope.with_codes), notes


def _expected(
    style: Style, scope: Scope, stacks: Mapping[LengthSide, list[tuple[Codes, Stack]]]
) -> Iterator[_Expected]:
    for (length, side), pairs in stacks.items():
        for colour in scope.colours:
            for codes, stack in pairs:
                name = Picture(codes, length, side, colour).name
                for cut in scope.cuts:
                    yield _Expected(keys.picture(style.style, cut, name), length, cut, stack, colour)


def _inputs(request: Request, style: Style, store: Store, notes: list[str]) -> Inputs:
    """The renders as they stand, where the request or the last run says that they lie."""
    known = ledger.read(store, keys.render_digests(style.style), InputLedger)
    place = request.renders or known.source or renders_location(request, style)
    try:
        renders = open_store(place)
        return Inputs.delivered(renders, index_renders(renders.list(), style.source_folders), known.inputs)
    except (StoreError, BadInput, OSError) as error:
        notes.append(f"The renders cannot be looked at, so the last run's word on them counts: {error}")
        return Inputs.remembered(known.inputs)


def _unlike(inputs: Inputs, stack: Stack, colour: int) -> str:
    """What of a stack's renders is not as it was when they were read; empty where all is."""
    for layer in inputs.missing(stack, colour):
        gone = next((uri for uri in inputs.digests if drawn(uri) == (layer, colour)), "")
        return f"a render is gone: {readable(gone)}" if gone else f"it was made without {layer}_{colour:04d}.png"
    for uri in inputs.unknown(stack, colour):
        return f"a render {'has changed' if uri in inputs.digests else 'is new'}: {readable(uri)}"
    return ""


def _broken(store: Store, pictures: Mapping[str, Entry], workers: int) -> Iterator[Finding]:
    """Decode each different file whole and look at its size; `pictures` are the objects by the pictures' keys."""
    same: dict[tuple[str, str], list[str]] = defaultdict(list)
    for key, entry in pictures.items():
        same[key.split("/")[-2], entry.etag].append(key)

    def wrong(cut: str, key: str) -> str:
        try:
            image = pyvips.Image.pngload_buffer(store.read(key), fail_on="warning")
            image.avg()  # decodes every pixel
        except (pyvips.Error, StoreError) as error:
            return f"it cannot be decoded ({str(error).strip().splitlines()[-1]})"
        fits = (
            max(image.width / WIDTH, image.height / HEIGHT) == 1
            if cut == COMPOSITE
            else (image.width, image.height) == (CROPS[cut].width, CROPS[cut].height)
        )
        whole = fits and image.bands == 4 and image.format == "uchar"
        return "" if whole else f"it is {image.width} x {image.height} with {image.bands} bands, which no {cut} is"

    firsts = [(cut, pictures[group[0]].key) for (cut, _), group in same.items()]
    reasons = in_parallel("pictures decoded", firsts, lambda first: wrong(*first), workers)
    for group, reason in zip(same.values(), reasons, strict=True):
        if reason:
            yield from (Finding(kind="broken", key=key, reason=reason) for key in group)


def _extra(unasked: Iterable[str], scope: Scope) -> Iterator[tuple[Finding, str]]:
    """Of the files that nothing asks for those of the scope, each with its length, and names that no rule reads."""
    for key in sorted(unasked):
        one = _picture(key)
        if one is None:
            yield Finding(kind="extra", key=key, reason="no picture is called so"), ""
        elif one.length in scope.lengths and one.side in scope.sides and one.colour in scope.colours:
            yield Finding(kind="extra", key=key, reason="no combination of the style asks for it"), one.length


def _picture(key: str) -> Picture | None:
    return Picture.parse(key.rpartition("/")[2]) if key.endswith(".png") else None


def _counts(
    expected: Iterable[_Expected], found: Mapping[str, Finding], extra: Iterable[tuple[Finding, str]]
) -> dict[str, CutCounts]:
    counts: dict[str, CutCounts] = defaultdict(CutCounts)
    for picture in expected:
        row = counts[f"{picture.length} {picture.cut}"]
        row.expected += 1
        finding = found.get(picture.key)
        kind = finding.kind if finding else "fine"
        setattr(row, kind, getattr(row, kind) + 1)
    for finding, length in extra:
        counts[f"{length} {finding.key.split('/')[-2]}".strip()].extra += 1
    return dict(counts)
