"""What an object is called in the target, and a version of it in the archive."""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from darkroom.archive.pairs import Names

_TIME = "%Y-%m-%d-%H-%M-%S-UTC"
"""As the job before wrote it, so that what it archived is found too."""
_SHORT = 12  # hex digits of an MD5 in a name; the whole of it is compared
_VERSION = re.compile(r"_(?P<time>\d{4}(?:-\d\d){5}-UTC)(?:_(?P<md5>[0-9a-f]{12}))?")


def target_key(key: str, names: Names) -> str:
    """The key of an object's copy.

    >>> [target_key("maps/1890/a.tif", names) for names in Names]
    ['maps/1890/a.tif', 'maps_1890_a.tif', 'a.tif']
    """
    if names is Names.FLATTENED:
        return key.replace("/", "_")
    return key.rpartition("/")[2] if names is Names.LAST_PART else key


def target_prefix(prefix: str, names: Names) -> str:
    """What the keys of the copies of all objects below a prefix begin with."""
    return "" if names is Names.LAST_PART else target_key(prefix, names)


def claimed_twice(keys: Iterable[str], names: Names) -> dict[str, list[str]]:
    """The targets that several objects would have, with the objects.

    >>> claimed_twice(["a/b", "a_b", "c"], Names.FLATTENED)
    {'a_b': ['a/b', 'a_b']}
    """
    if names is Names.AS_THEY_ARE:
        return {}
    claimants: defaultdict[str, list[str]] = defaultdict(list)
    for key in keys:
        claimants[target_key(key, names)].append(key)
    return {target: sorted(rivals) for target, rivals in claimants.items() if len(rivals) > 1}


def _split(key: str) -> tuple[str, str]:
    """A key before its extension, and the extension with its dot; a folder's dot begins none."""
    folder, slash, name = key.rpartition("/")
    stem, dot, extension = name.rpartition(".")
    return (f"{folder}{slash}{stem}", f".{extension}") if dot and stem else (key, "")


def version_key(key: str, when: datetime, md5: str) -> str:
    """The archive's key of a version: of the object that `key` names, as it was then, with that content.

    >>> from datetime import UTC
    >>> version_key("maps/a.tif", datetime(2026, 11, 27, 5, 6, 7, tzinfo=UTC), "0cc175b9c0f1b6a831c399e269772661")
    'maps/a_2026-11-27-05-06-07-UTC_0cc175b9c0f1.tif'
    """
    stem, extension = _split(key)
    return f"{stem}_{when.strftime(_TIME)}_{md5[:_SHORT]}{extension}"


def versions_prefix(key: str) -> str:
    """What the archive's keys of all versions of an object begin with."""
    return f"{_split(key)[0]}_"


class VersionName(NamedTuple):
    """What an archive's key says: when the version came to be (UTC, as text) and how its MD5 begins, if it says so."""

    time: str
    md5: str

    @property
    def id(self) -> str:
        """By what a person names the version: `2026-11-27-05-06-07-UTC_0cc175b9c0f1`."""
        return f"{self.time}_{self.md5}" if self.md5 else self.time


def parse_version(key: str, archived: str) -> VersionName | None:
    """What the archive's key `archived` says, if it is of a version of `key`.

    >>> parse_version("maps/a.tif", "maps/a_2026-11-27-05-06-07-UTC_0cc175b9c0f1.tif").id
    '2026-11-27-05-06-07-UTC_0cc175b9c0f1'
    >>> parse_version("a.tif", "a_2021-01-02-03-04-05-UTC.tif")
    VersionName(time='2021-01-02-03-04-05-UTC', md5='')
    >>> parse_version("a.tif", "a_b_2021-01-02-03-04-05-UTC.tif") is None
    True
    """
    stem, extension = _split(key)
    if not (archived.startswith(stem) and archived.endswith(extension)):
        return None
    found = _VERSION.fullmatch(archived[len(stem) : len(archived) - len(extension)])
    return VersionName(found["time"], found["md5"] or "") if found else None
