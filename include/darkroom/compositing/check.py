"""`darkroom check`: the checks of a style as a compositing run would be asked for it."""

from collections.abc import Sequence

from darkroom.checks.check import Check, Delivery, Looked, check_delivery, look_at
from darkroom.checks.findings import is_litter
from darkroom.checks.renders import delivered
from darkroom.compositing.prepare import Codes, LengthSide, pictures_of
from darkroom.compositing.request import Request, Scope, check_scope, renders_location
from darkroom.progress import in_parallel
from darkroom.settings import settings
from darkroom.store import Entry, Store, open_store
from darkroom.styles.stacks import Stack
from darkroom.styles.style import Style
from darkroom.styles.style_file import read_style


def check(request: Request, workers: int) -> Check:
    """Look at a style and everything delivered for it. Raises `BadInput` for what cannot be looked at at all."""
    style = read_style(request.style_file)
    scope = check_scope(request, style)
    renders = open_store(renders_location(request, style))
    entries = [entry for entry in renders.list() if not is_litter(entry.key)]
    index = delivered(renders.uri, entries, style.source_folders)
    pictures = _pictures(request, style, scope, index.layers())
    of = Delivery(style, renders.uri, entries, index, scope.lengths, scope.colours, scope.sides, pictures)
    return check_delivery(of, lambda files: _look_at_all(renders, files, workers))


def _pictures(
    request: Request, style: Style, scope: Scope, layers: set[str]
) -> dict[LengthSide, list[tuple[Codes, Stack]]]:
    """`pictures_of`, where a length and side without any default is a finding of its own and not the end of it all.

    None for a style that has no options yet and came without exports: then every render is looked at for itself.
    """
    if not style.options and not request.combinations:
        return {}
    whole: dict[tuple[str, ...], list[str]] = {}
    for length in scope.lengths:
        sides = tuple(side for side in scope.sides if style.default_layers(length, side))
        whole.setdefault(sides, []).append(length)
    pictures: dict[LengthSide, list[tuple[Codes, Stack]]] = {}
    for sides, lengths in whole.items():
        part = Scope(tuple(lengths), scope.colours, sides, scope.cuts, scope.with_codes)
        pictures |= pictures_of(request, style, part, layers)[0]
    return pictures


def _look_at_all(renders: Store, files: Sequence[Entry], workers: int) -> list[Looked]:
    """Read and decode each file once. Each thread holds one at a time, and keeps only what it told."""
    most = settings().max_pixels
    return list(in_parallel("checking renders", files, lambda entry: look_at(renders, entry.key, most), workers))
