"""From a path or a URI to a store."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from darkroom.errors import BadInput
from darkroom.store.base import Store
from darkroom.store.folder import FolderStore


def open_store(location: str) -> Store:
    """The store whose root `location` names: a folder's path, or a `file://` URI.

    Raises `BadInput` for a scheme that no backend serves. Nothing is created: a folder comes to be with its first
    object.
    """
    scheme, _, _ = location.partition("://")
    if scheme == location:
        if not location.strip():
            raise BadInput("A store's location is empty: give a folder's path or a URI.")
        return FolderStore(Path(location))
    if scheme == "file":
        parts = urlsplit(location)
        if parts.netloc not in ("", "localhost"):
            raise BadInput(f"{location}: a file URI has no host; write file:///path.")
        return FolderStore(Path(unquote(parts.path)))
    raise BadInput(f"{location}: no store for {scheme}:// addresses; give a folder's path or a file:/// URI.")


def read_object(uri: str) -> bytes:
    """The content of the one object at `uri` (as `Store.uri_of` writes it). Raises `NotFound`, `BadInput`."""
    parent, _, name = uri.rpartition("/")
    if not name:
        raise BadInput(f"{uri}: not an object's address; it ends in a slash.")
    if uri.startswith("file://"):
        name = unquote(name)
    return open_store(parent or ("/" if uri.startswith("/") else ".")).read(name)
