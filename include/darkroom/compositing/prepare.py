"""What a plan must know before it may be written: the pictures that should be, their layers, what speaks against it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from darkroom.amounts import counted
from darkroom.checks.findings import other_sizes
from darkroom.checks.renders import LayerInColour, RenderIndex, delivered, read_sizes
from darkroom.compositing.request import OnMissing, Request, Scope, check_scope, renders_location
from darkroom.errors import BadInput
from darkroom.settings import settings
from darkroom.store import Entry, Store, open_store, readable
from darkroom.store.access import Access
from darkroom.styles.exports import Row, length_in_name, parse_export
from darkroom.styles.names import length_slug
from darkroom.styles.options import check_count, enumerate_combinations
from darkroom.styles.stacks import Resolver, Stack, slots_without_default
from darkroom.styles.style import Style
from darkroom.styles.style_file import read_file, read_style

LengthSide = tuple[str, str]
Codes = tuple[str, ...]


@dataclass
class Prepared:
    """A request that may be planned. `stacks` holds, for each length and side, every combination's codes and stack."""

    request: Request
    style: Style
    scope: Scope
    renders: Store
    stacks: dict[LengthSide, list[tuple[Codes, Stack]]]
    index: RenderIndex
    sizes: Mapping[str, tuple[int, int]]
    """Width and height of every render that is needed and there, by key."""
    began: datetime
    findings: list[str] = field(default_factory=list)

    def file(self, layer: str, colour: int) -> Entry | None:
        """The render that draws a layer in a colour."""
        return self.index.files.get((layer, colour))


def prepare(request: Request, access: Access) -> Prepared:
    """Read the style, the combinations, the renders' listing and headers, and check all of it; nothing is written.

    Raises `BadInput` with every problem there is.
    """
    began = datetime.now(UTC)
    style = read_style(request.style_file)
    scope = check_scope(request, style)
    renders = open_store(renders_location(request, style), access)
    problems: list[str] = []
    index = delivered(renders.uri, renders.list(), style.source_folders)
    stacks, findings = pictures_of(request, style, scope, index.layers())
    needed = _needed(stacks, scope)
    files = [index.files[wanted] for wanted in needed if wanted in index.files]
    if request.on_missing is OnMissing.REFUSE:
        problems += _missing(needed, index, renders)
    problems += _claims(needed, index, renders)
    sizes, broken = read_sizes(renders, files, settings().max_pixels)
    problems += broken
    prepared = Prepared(request, style, scope, renders, stacks, index, sizes, began, findings)
    problems += _other_sizes(prepared, needed)
    if problems:
        raise BadInput(problems)
    if odd := index.unreadable:
        findings.append(
            f"{counted(len(odd), 'file')} left out, for a name or folder is no UTF-8, such as {odd[0]!a}; rename it."
        )
    shadowed = index.shadowed
    if shadowed:
        findings.append(f"{len(shadowed)} files are shadowed by an earlier source folder, such as {shadowed[0]}.")
    return prepared


def pictures_of(
    request: Request, style: Style, scope: Scope, layers: set[str]
) -> tuple[dict[LengthSide, list[tuple[Codes, Stack]]], list[str]]:
    """Every combination of each length and side with its stack, the default first, and what is odd about them.

    Raises `BadInput` for exports that cannot be read, and where there are neither exports nor options.
    """
    exports = _exports(request, style, scope) if request.combinations else None
    if exports is None and not style.options:
        raise BadInput(
            f"{request.style_file}: it has no options, so nobody knows its combinations; "
            "add options, or give an export with --combinations."
        )
    stacks: dict[LengthSide, list[tuple[Codes, Stack]]] = {}
    findings: list[str] = []
    for length in scope.lengths:
        rows = exports[length] if exports is not None else None
        drawn: set[str] = set()
        for side in scope.sides:
            pairs = _from_export(rows, style, length, side) if rows is not None else None
            if pairs is None:
                resolver = Resolver(style, length, side, layers)
                drawn |= {code for code in style.codes_of(length) if resolver.draws(code)}
                check_count(style, length, settings().max_combinations, request.style_file)
                pairs = [(codes, resolver.stack(codes)) for codes in enumerate_combinations(style, length)]
            chosen = [(codes, stack) for codes, stack in pairs if scope.with_codes <= set(codes)]
            hollow = [codes for codes, stack in chosen if not stack]
            if hollow:
                name = "-".join(hollow[0]) or "the default"
                raise BadInput(
                    f"{request.style_file}: {name} draws nothing on the {side} of {length}; add a default layer."
                )
            stacks[length, side] = chosen
            for slot in slots_without_default(style, length, side):
                findings.append(f"{style.length_names[length]}, {side}: no default layer for the slot {slot}.")
        undrawn = [code for code in style.codes_of(length) if code not in drawn] if rows is None else []
        if undrawn:
            findings.append(
                f"{style.length_names[length]}: no render draws {', '.join(undrawn)}; their pictures lack them."
            )
    if not any(stacks.values()):
        codes = " and ".join(sorted(scope.with_codes)) or "nothing"
        where = ", ".join(style.length_names[length] for length in scope.lengths)
        raise BadInput(f"with codes: no combination has {codes} in {where}; correct them: {request.style_file}")
    findings += _unknown_codes(style, stacks)
    return stacks, findings


def _exports(request: Request, style: Style, scope: Scope) -> dict[str, list[Row]]:
    """The rows of each length's export. Raises `BadInput` with every problem in all of them."""
    only = scope.lengths[0] if len(scope.lengths) == 1 else None
    exports, problems = read_exports(request.combinations, style, only=only)
    for length in scope.lengths if not problems else ():
        if length not in exports:
            given_names = ", ".join(request.combinations)
            problems.append(f"length: no export for {length} is among {given_names}; give it as {length}=CSV.")
    if problems:
        raise BadInput(problems)
    return exports


def read_exports(given: Sequence[str], style: Style, only: str | None = None) -> tuple[dict[str, list[Row]], list[str]]:
    """The rows of each length's export, and every problem in them as a sentence.

    Each is given as `CSV` or `LENGTH=CSV`; a single one whose name says no length is that of the length `only`.
    """
    problems: list[str] = []
    exports: dict[str, list[Row]] = {}
    spellings = style.length_spellings()
    for one in given:
        named, path = _named_length(one, spellings)
        length = named or length_in_name(Path(path).name, spellings) or (only if len(given) == 1 else None)
        if length is None:
            problems.append(f"{path}: its name says no length of the style; write LENGTH={path}.")
            continue
        if length in exports:
            problems.append(f"{path}: there is another export for {length} already; give one for each length.")
        if not path.lower().endswith(".csv"):
            # the sentences about an export quote it: whoever fills in a form must not read any file of the machine so
            problems.append(f"{path}: an export is a .csv file; give the path of one.")
            continue
        rows, wrong = parse_export(read_file(path, "export"), path)
        problems += wrong
        exports[length] = rows
    return exports, problems


def _named_length(given: str, spellings: Mapping[str, str]) -> tuple[str | None, str]:
    """`LENGTH=CSV` as its length and path; only a known length counts, for a path may hold an equals sign."""
    head, equals, path = given.partition("=")
    length = spellings.get(length_slug(head)) if equals else None
    return (length, path) if length else (None, given)


def _from_export(rows: list[Row], style: Style, length: str, side: str) -> list[tuple[Codes, Stack]]:
    pairs = [(row.codes, row.stacks[side]) for row in rows]
    if all(codes for codes, _ in pairs):
        pairs.insert(0, ((), tuple(style.default_layers(length, side).values())))
    return pairs


def _unknown_codes(style: Style, stacks: Mapping[LengthSide, list[tuple[Codes, Stack]]]) -> Iterator[str]:
    """Codes that the style does not list: they stay in the name, whatever they draw."""
    listed = style.known_codes()
    unknown = Counter(code for pairs in stacks.values() for codes, _ in pairs for code in codes if code not in listed)
    for code, times in sorted(unknown.items()):
        yield f"The code {code} stands in {times} stacks' names, but the style does not list it."


def _needed(stacks: Mapping[LengthSide, list[tuple[Codes, Stack]]], scope: Scope) -> Counter[tuple[str, int]]:
    """Each layer and colour that a picture needs, with the number of pictures."""
    layers = Counter(layer for pairs in stacks.values() for _, stack in pairs for layer in stack)
    return Counter({(layer, colour): times for layer, times in sorted(layers.items()) for colour in scope.colours})


def _missing(needed: Mapping[tuple[str, int], int], index: RenderIndex, renders: Store) -> Iterator[str]:
    for (layer, colour), times in needed.items():
        if (layer, colour) not in index.files:
            yield (
                f"{layer}_{colour:04d}.png is missing for {counted(times, 'picture')}; deliver it, or make the others "
                f"with on-missing skip. No such render lies in {readable(renders.uri)}."
            )


def _claims(needed: Mapping[tuple[str, int], int], index: RenderIndex, renders: Store) -> Iterator[str]:
    for (layer, colour), claiming in index.claims.items():
        if (layer, colour) in needed:
            files = " and ".join(claiming)
            yield f"{files} both claim {layer} in colour {colour:04d}; remove one. They lie in {readable(renders.uri)}."


def _other_sizes(prepared: Prepared, needed: Iterable[LayerInColour]) -> Iterator[str]:
    """A sentence for each render whose size differs from its stack's."""
    stacks = {stack for pairs in prepared.stacks.values() for _, stack in pairs}
    files = {of: entry.key for of in needed if (entry := prepared.file(*of))}
    for found in other_sizes(stacks, files, prepared.sizes):
        where = readable(prepared.renders.uri_of(found.where))
        yield f"{found.where.rpartition('/')[2]}: {found.what}; {found.to_do}: {where}"
