"""What a run of the sync flow is asked to do: profiles, whole and checked."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from darkroom.errors import BadInput
from darkroom.flows import asked
from darkroom.guards import parse_max_delete
from darkroom.jobs import Mode
from darkroom.parts import chosen
from darkroom.settings import settings
from darkroom.store import open_store
from darkroom.sync.profiles import Profile, profile_files, read_profile
from darkroom.sync.rivals import deployed, rivals


class SyncMode(StrEnum):
    """What a run does: only say what it would do, upload, or upload and then remove what is gone from the folder."""

    PLAN = "plan"
    COPY = "copy"
    SYNC = "sync"


class Params(BaseModel):
    """A run as somebody asks for it in a form. No profile means every enabled one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: SyncMode = SyncMode.COPY
    profile: str = ""
    max_delete: str = ""
    cache: bool = True


class Request(BaseModel):
    """The same with the profiles themselves. `said` are those that are left alone, with the reason.

    `problems` are profiles that cannot run, a sentence each: the others do, and the run fails all the same. `remove`:
    what is gone from the folder is taken away (in mode `plan`: would be). `ask`: where that is more than the guards
    allow, a person is asked; otherwise nothing is removed. `dry_run` is the file of a dry run whose plan this is to be.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str
    mode: Mode = Mode.CHANGED
    profiles: tuple[Profile, ...] = ()
    remove: bool = False
    ask: bool = False
    cached: bool = True
    dry_run: str = ""
    said: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


def request_from_params(params: Mapping[str, Any]) -> Request:
    """The request of a run of the deployment's profiles. Raises `BadInput` with every problem."""
    wanted = asked(Params, params)
    files = profile_files()
    if wanted.profile and wanted.profile not in files:
        there = f"there {'are ' + ', '.join(files) if files else 'is none'} in {settings().profiles_dir}"
        raise BadInput(f"profile: {wanted.profile!r} is no profile; {there} (DARKROOM_PROFILES_DIR).")
    said: list[str] = []
    problems: list[str] = []
    profiles = list(chosen([wanted.profile] if wanted.profile else [], files, read_profile, said, problems))
    return request_of(
        profiles,
        mode=wanted.mode,
        max_delete=wanted.max_delete,
        cached=wanted.cache,
        ask=True,
        said=said,
        problems=problems,
    )


def request_of(
    profiles: Sequence[Profile],
    *,
    mode: SyncMode,
    remove: bool = False,
    max_delete: str = "",
    cached: bool = True,
    ask: bool = False,
    dry_run: str = "",
    said: Sequence[str] = (),
    problems: Sequence[str] = (),
) -> Request:
    """The request of a run of these profiles. Raises `BadInput` for guards that are none.

    A profile that would take another one's objects for gone is left out, and is a problem.
    """
    guards = {"guards": parse_max_delete(max_delete)} if max_delete else {}
    remove = remove or mode is SyncMode.SYNC
    others = list(deployed()) if remove else []
    ours: list[Profile] = []
    left: list[str] = []
    wrong: list[str] = []
    for profile in profiles:
        if profile.environment not in (None, settings().environment):
            left.append(
                f"{profile.name}: it is a profile of {profile.environment}, and this deployment is "
                f"{settings().environment} (DARKROOM_ENVIRONMENT): it is left alone."
            )
        elif found := rivals(profile, others):
            wrong.append(
                f"{profile.name}: its objects lie among those of {', '.join(found)}, and a sync would take these for "
                "gone: nothing is done. Give each profile a place of its own, or use copy."
            )
        else:
            ours.append(profile.model_copy(update=guards))
    if wrong and not (ours or left or problems):
        raise BadInput(wrong)
    return Request(
        store=open_store(settings().studio_store).uri,
        mode=Mode.PLAN if mode is SyncMode.PLAN else Mode.CHANGED,
        profiles=tuple(ours),
        remove=remove,
        ask=ask,
        cached=cached,
        dry_run=dry_run,
        said=(*said, *left),
        problems=(*problems, *wrong),
    )
