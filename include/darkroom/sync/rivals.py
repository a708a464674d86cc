"""Profiles whose targets overlap: a sync of one would take the objects of the other one's folder for gone."""

from collections.abc import Iterable, Iterator

from darkroom.errors import BadInput
from darkroom.settings import settings
from darkroom.store import open_store
from darkroom.sync.profiles import Profile, profile_files, read_profile
from darkroom.sync.rules import Checker, rules_named
from darkroom.sync.scan import root_of


def rivals(profile: Profile, others: Iterable[Profile]) -> list[str]:
    """The names of the profiles whose folder is another one, and whose files may lie where this one's do.

    Two profiles of one bucket go together where the paths that their rules allow begin otherwise.
    """
    mine = _place(profile)
    return [
        other.name
        for other in others
        if root_of(other.source) != root_of(profile.source)
        and (_place(other).startswith(mine) or mine.startswith(_place(other)))
    ]


def deployed() -> Iterator[Profile]:
    """The deployment's own profiles, enabled or not, as far as they can be read."""
    for file in profile_files().values():
        try:
            profile = read_profile(file)
            _place(profile)
        except BadInput:
            continue
        if profile.environment in (None, settings().environment):
            yield profile


def _place(profile: Profile) -> str:
    return f"{open_store(profile.target).uri}/{Checker(rules_named(profile.rules)).prefix}"
