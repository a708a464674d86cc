"""What a run of pyramids is asked to do, checked against the deployment's settings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from darkroom.errors import BadInput
from darkroom.flows import asked
from darkroom.jobs import Mode
from darkroom.pyramids.profiles import DEFAULT, wrong_profile
from darkroom.settings import settings
from darkroom.store import open_store

APPSYNC = "appsync"
"""The source that is no place but an API, which lists files of any place."""


class Params(BaseModel):
    """A run as somebody asks for it. Empty lists mean all, a limit of 0 none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Mode = Mode.CHANGED
    sources: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    limit: int = Field(default=0, ge=0)
    profile: str = DEFAULT
    since: datetime | None = None
    until: datetime | None = None
    """In a backfill: the objects that changed in `[since, until)`, whatever is marked."""


class Request(Params):
    """The same, with where everything lies. `places` are those of the sources, in their order, without the API.

    `api` is the API's endpoint, where it is asked, and `api_places` are those that a file of it may lie in: what it
    says of a bucket must not lead anywhere else.

    A command's request has no sources: its images are `given` as they were typed, objects, folders and prefixes, all of
    them `protected` or none. `replace`: their pyramids may take the place of what stands there.
    """

    store: str
    images: str
    places: tuple[str, ...] = ()
    api: str = ""
    api_places: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    protected: bool = False
    replace: bool = False

    @property
    def backfill(self) -> bool:
        """Is it about what changed in an interval?"""
        return self.since is not None

    @property
    def scans(self) -> dict[str, str]:
        """The places by source."""
        return dict(zip((source for source in self.sources if source != APPSYNC), self.places, strict=True))


def known_sources() -> list[str]:
    """Every source of this deployment, in the order of its settings."""
    return [*settings().scan_sources, *([APPSYNC] if settings().appsync_url else [])]


def request_from_params(params: Mapping[str, Any]) -> Request:
    """The request of a run, with all sources where it names none. Raises `BadInput` with every problem."""
    wanted = asked(Params, params)
    known = known_sources()
    problems = [
        f"sources: {name!r} is no source; there {'are ' + ', '.join(known) if known else 'is none'} "
        "(DARKROOM_SCAN_SOURCES, DARKROOM_APPSYNC_URL)."
        for name in wanted.sources
        if name not in known
    ]
    if wrong := wrong_profile(wanted.profile):
        problems.append(f"profile: {wrong}")
    if APPSYNC in settings().scan_sources:
        problems.append(f"DARKROOM_SCAN_SOURCES: {APPSYNC!r} means the API; give that place another name.")
    if (wanted.since is None) != (wanted.until is None):
        problems.append("since, until: give both ends of the interval, or neither.")
    if problems:
        raise BadInput(problems)
    sources = tuple(dict.fromkeys(wanted.sources)) or tuple(known)
    places = {name: open_store(place).uri for name, place in settings().scan_sources.items()}
    return Request(
        **wanted.model_dump(exclude={"sources"}),
        sources=sources,
        store=open_store(settings().studio_store).uri,
        images=open_store(settings().image_store).uri,
        places=tuple(places[name] for name in sources if name != APPSYNC),
        api=settings().appsync_url if APPSYNC in sources else "",
        api_places=tuple(places.values()) if APPSYNC in sources else (),
    )
