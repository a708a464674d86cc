"""The flow `compositing` as the protocol wants it (`darkroom.flows`)."""

from collections.abc import Iterable, Mapping
from typing import Any

from darkroom.compositing.plan import write_plan
from darkroom.compositing.prepare import prepare
from darkroom.compositing.request import request_from_params
from darkroom.compositing.settle import settle
from darkroom.compositing.work import work
from darkroom.errors import NotFound
from darkroom.jobs import Manifest, Outcome
from darkroom.settings import settings
from darkroom.store import Store

__all__ = ["picture", "plan", "previews", "settle", "stores", "work"]


def stores() -> tuple[str, ...]:
    """The studio's store; that of the renders is a parameter, if it is another."""
    return (settings().studio_store,)


def plan(params: Mapping[str, Any], *, dag_id: str, run_id: str) -> Manifest:
    """Find the work that a form asks for and write the plan's folder. Raises `BadInput`, with nothing written."""
    return write_plan(prepare(request_from_params(params)), dag_id, run_id)


def previews(outcomes: Iterable[Outcome], most: int) -> list[str]:
    """Keys of small pictures that show what was made, evenly over all of it: the whole garment where there is one."""
    made = [outcome for outcome in outcomes if outcome.outputs]
    step = max(1, -(-len(made) // most))
    smallest = [
        min(outcome.outputs, key=lambda output: ("/142x142/" not in output.key, output.bytes))
        for outcome in made[::step]
    ]
    return [output.stored or output.key for output in smallest]


def picture(store: Store, key: str) -> bytes | None:
    """One of them, which are small PNGs already; nothing where it is gone."""
    try:
        return store.read(key)
    except NotFound:
        return None
