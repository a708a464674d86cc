"""Before anything is spent: what a plan of composites asks a person, and what a yes cannot stand against."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from darkroom import flags, keys
from darkroom.amounts import counted, human_seconds
from darkroom.approvals import MOST_LINES, Asked
from darkroom.checks.findings import OF_CONTENT, SEVERITIES, Finding, by_names, worst_first
from darkroom.compositing.contact_sheet import contact_sheet, illustrate
from darkroom.compositing.job import Sheet
from darkroom.compositing.prepare import Prepared
from darkroom.compositing.request import Approving
from darkroom.flows import Asking, Draft
from darkroom.jobs import Document, Manifest, Mode
from darkroom.machines import MACHINES
from darkroom.plan_folder import PlanFolder
from darkroom.planning import cut, estimated, machine_for
from darkroom.styles.names import parse_layer, parse_render

FITTING_ROOM = "/darkroom/fitting-room/"
"""Where the UI shows a style's combinations."""


def asks(approving: Approving, mode: Mode, *, new: bool) -> bool:
    """Is a person asked about a plan? `new`: is there anything to make?

    | approving | mode | new | asks |
    | --- | --- | --- | --- |
    | none | | | no |
    | ask | plan | | no |
    | ask | changed, all | no | no |
    | ask | changed, all | yes | yes |
    """
    return approving is Approving.ASK and mode is not Mode.PLAN and new


def documents(prepared: Prepared, drafted: Draft[Sheet], looked: Sequence[Finding]) -> Mapping[str, Document]:
    """What lies beside a plan that a person is asked about: the question, and which pictures they are shown.

    `looked`: what the last check of the style's renders found; of that counts what names do not tell.
    """
    style, sheets = prepared.style, [one.item for one in drafted.todo]
    pairs = [pair for of_side in prepared.stacks.values() for pair in of_side]
    needed = Counter(layer for _, stack in pairs for layer in stack)
    colours, lengths = prepared.scope.colours, prepared.scope.lengths
    named = by_names(style, colours, lengths, prepared.stacks, needed, prepared.index)
    found = worst_first([*named, *(one for one in looked if one.kind in OF_CONTENT)])
    different = sum(len(sheet.groups) for sheet in sheets)
    return {
        keys.ASKED: question(drafted, style.style, different, found),
        keys.TILES: contact_sheet(style.style, sheets, _odd(found)),
    }


def _odd(worst_first: Sequence[Finding]) -> Mapping[str, int]:
    """By layer, how bad the worst finding is that is about it; 0 is an error."""
    odd: dict[str, int] = {}
    for one in worst_first:
        if layer := _layer_in(one.where):
            odd.setdefault(layer, SEVERITIES.index(one.severity))
    return odd


def _layer_in(where: str) -> str:
    """The layer that a finding is about; empty where that is none."""
    name = where.rpartition("/")[2]
    render = parse_render(name)
    layer = render[0] if render else parse_layer(name)
    return layer.name if layer else ""


def question(drafted: Draft[Any], style: str, different: int, findings: Sequence[Finding]) -> Asked:
    """What a person reads before a plan's jobs run. `different`: pictures that are to be made, however many names."""
    pictures = sum(one.count for one in drafted.todo)
    return Asked(
        subject=f"Make {counted(pictures, 'picture')} of {style}?",
        facts=(
            f"{counted(pictures, 'picture')} to make, {different:,} of them different; {drafted.skipped.total():,} "
            f"stand already, {len(drafted.refused):,} are refused.",
            _by_group(drafted),
            _price(drafted),
        ),
        listed="Findings, the worst first",
        lines=tuple(f"{one.severity}: {one.sentence}" for one in findings[:MOST_LINES]),
        count=len(findings),
        yes="the run makes these pictures.",
        no="the run makes none of them, nothing fails, and its report says who rejected it.",
        page=f"{FITTING_ROOM}?{urlencode({'style': style})}",
    )


def _by_group(drafted: Draft[Any]) -> str:
    """How many pictures of each length and side."""
    refused = Counter(one.group for one in drafted.refused)
    left = {group: planned - drafted.skipped[group] - refused[group] for group, planned in drafted.planned.items()}
    return f"By length and side: {', '.join(f'{group} {count:,}' for group, count in left.items() if count)}."


def _price(drafted: Draft[Any]) -> str:
    """How long it takes and what it costs, roughly; the machine is the one that the largest job needs."""
    estimate = estimated(drafted, cut(drafted.todo, drafted.enough))
    assert estimate
    machine = MACHINES[machine_for(max(one.memory for one in drafted.todo))]
    works = human_seconds(estimate.core_seconds / machine.cpus)
    said = f"{estimate.sentence[0].upper()}{estimate.sentence[1:]}"
    return f"{said}. One {machine.name} machine ({machine.cpus} cores) works on it for {works}."


def _against(folder: PlanFolder, manifest: Manifest) -> list[str]:
    """The flags of the plan's styles that nobody cleared. Raises `BadInput` where nobody can say."""
    store = folder.open(manifest.store)
    return [flag.sentence for style in manifest.subjects for flag in flags.standing(store, style)]


ASKING = Asking(against=_against, illustrate=illustrate)
