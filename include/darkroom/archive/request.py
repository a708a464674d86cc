"""What a run of the archive flow is asked to do: pairs, whole and checked."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from darkroom.archive.pairs import Pair, pair_files, read_pair, wrong_prefix
from darkroom.errors import BadInput
from darkroom.flows import asked
from darkroom.jobs import Mode
from darkroom.parts import chosen
from darkroom.proof import Verify
from darkroom.settings import settings
from darkroom.store import open_store


class Params(BaseModel):
    """A run as somebody asks for it. No pairs mean every enabled one; what is empty is as the pair's file says."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = Mode.CHANGED
    pairs: tuple[str, ...] = ()
    prefix: str = ""
    verify: Verify | None = None
    wordpress: bool = True


class Request(BaseModel):
    """The same with the pairs themselves, as they are to run. `said` are those that are left alone, with the reason.

    `problems` are pairs that cannot run, a sentence each: the others do, and the run fails all the same.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str
    mode: Mode = Mode.CHANGED
    pairs: tuple[Pair, ...] = ()
    said: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def request_from_params(params: Mapping[str, Any]) -> Request:
    """The request of a run of the deployment's pairs. Raises `BadInput` with every problem."""
    wanted = asked(Params, {name: value for name, value in params.items() if value != ""})
    files = pair_files()
    missing = [name for name in wanted.pairs if name not in files]
    if missing:
        there = f"there {'are ' + ', '.join(files) if files else 'is none'} in {settings().pairs_dir}"
        raise BadInput(f"pairs: {name!r} is no pair; {there} (DARKROOM_PAIRS_DIR)." for name in missing)
    said: list[str] = []
    problems: list[str] = []
    pairs = list(chosen(wanted.pairs, files, read_pair, said, problems))
    return request_of(pairs, wanted, said=said, problems=problems)


def request_of(
    pairs: Sequence[Pair], wanted: Params, *, said: Sequence[str] = (), problems: Sequence[str] = ()
) -> Request:
    """The request of a run of these pairs. Raises `BadInput` for a prefix that is none."""
    if wrong := wrong_prefix(wanted.prefix):
        raise BadInput(f"prefix: {wrong}.")
    ours: list[Pair] = []
    left: list[str] = []
    for pair in pairs:
        prefixes = narrowed(pair.prefix, wanted.prefix)
        if pair.environment not in (None, settings().environment):
            left.append(
                f"{pair.name}: it is a pair of {pair.environment}, and this deployment is {settings().environment} "
                "(DARKROOM_ENVIRONMENT): it is left alone."
            )
        elif prefixes is None:
            left.append(f"{pair.name}: none of its objects begins with {wanted.prefix!r}: it is left alone.")
        else:
            changed: dict[str, Any] = {"prefix": prefixes, "verify": wanted.verify or pair.verify}
            changed |= {} if wanted.wordpress else {"wordpress": None}
            ours.append(pair.model_copy(update=changed))
    return Request(
        store=open_store(settings().studio_store).uri,
        mode=wanted.mode,
        pairs=tuple(ours),
        said=(*said, *left),
        problems=tuple(problems),
    )


def narrowed(prefixes: tuple[str, ...], to: str) -> tuple[str, ...] | None:
    """A pair's prefixes, as far as they begin with `to`; nothing where none of its objects can.

    >>> narrowed(("maps/", "prints/"), "maps/18"), narrowed(("maps/18", "maps/19"), "maps/")
    (('maps/18',), ('maps/18', 'maps/19'))
    >>> narrowed((), "maps/"), narrowed(("maps/",), "prints/")
    (('maps/',), None)
    """
    if not to or not prefixes:
        return (to,) if to else prefixes
    if any(to.startswith(prefix) for prefix in prefixes):
        return (to,)
    return tuple(prefix for prefix in prefixes if prefix.startswith(to)) or None
