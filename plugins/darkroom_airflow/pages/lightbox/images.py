"""The pyramids of the image store: by identifiers that a URL can hold, opened once, read as they stand now."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from fastapi import HTTPException

from darkroom.errors import NotFound, SourceChanged
from darkroom.failures import DecodeFailed
from darkroom.iiif.plan import Unservable
from darkroom.iiif.pyramid import Pyramid, open_pyramid
from darkroom.iiif.request import BadRequest
from darkroom.pyramids.names import SUFFIX
from darkroom.store import Store

T = TypeVar("T")

_KEPT = 64  # opened pyramids, of at most some 2 MiB each
_TRUSTED = 5.0  # seconds, until the store is asked again whether it is still the same file
_LONGEST = 1024  # bytes of a key
_NONE = "There is no pyramid of that name; open one from the lightbox."


def key_of(identifier: str) -> str:
    """The key that an identifier means: `/` is written `~1` and `~` is `~0` there, as in a JSON pointer (RFC 6901).

    Many a proxy in front of a server takes `%2F` for a slash, or refuses it. Raises `NotFound` for what no pyramid can
    be called, before anything is asked of a store.

    >>> key_of("maps~11890~1sheet.tif")
    'maps/1890/sheet.tif'
    """
    key = identifier.replace("~1", "/").replace("~0", "~")
    parts = key.split("/")
    is_plain = key.isprintable() and len(key.encode(errors="surrogateescape")) <= _LONGEST
    is_ours = identifier == identifier_of(key) and key.lower().endswith((SUFFIX, f"{SUFFIX}f"))
    if not (is_plain and is_ours) or any(part in ("", ".", "..") for part in parts) or "\\" in key:
        raise NotFound(_NONE)
    return key


def identifier_of(key: str) -> str:
    """The identifier of a key.

    >>> identifier_of("maps/a~b.tif")
    'maps~1a~0b.tif'
    """
    return key.replace("~", "~0").replace("/", "~1")


class _Opened:
    """The pyramids that were looked at last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], tuple[Pyramid, float]] = OrderedDict()

    def pyramid(self, store: Store, key: str, *, anew: bool) -> Pyramid:
        """One of them, as it stood some seconds ago at most; with `anew`, as it stands now."""
        name = store.uri, key
        with self._lock:
            known, checked = self._known.get(name, (None, 0.0))
        fresh = time.monotonic() - checked < _TRUSTED and not anew
        if known is None or not fresh or known.file.store is not store:
            entry = store.head(key)
            if entry is None:
                raise NotFound(_NONE)
            is_same = known is not None and known.file.store is store and known.file.entry.version == entry.version
            known = known if known is not None and is_same else open_pyramid(store, entry)
            checked = time.monotonic()
        with self._lock:
            self._known[name] = known, checked
            self._known.move_to_end(name)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return known


_opened = _Opened()


def of_pyramid(identifier: str, do: Callable[[Pyramid], T]) -> Callable[[Store], T]:
    """What `studio.ask` is to do with a pyramid: once more, where another one was put in its place meanwhile.

    Raises `HTTPException` as the IIIF Image API has it: 400 for an address that says nothing, 501 for a file that is
    no pyramid as we serve them, 500 for a broken one.
    """

    def done(store: Store) -> T:
        try:
            key = key_of(identifier)
            try:
                return do(_opened.pyramid(store, key, anew=False))
            except SourceChanged:
                return do(_opened.pyramid(store, key, anew=True))
        except BadRequest as error:
            raise HTTPException(400, str(error)) from None
        except Unservable as error:
            raise HTTPException(501, f"This image cannot be shown in tiles: {error}.") from None
        except DecodeFailed as error:
            raise HTTPException(500, f"This image is damaged: {error}.") from None

    return done
