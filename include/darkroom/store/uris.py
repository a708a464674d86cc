"""From a path or a URI to a store."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from darkroom.errors import BadInput
from darkroom.store.access import NO_ACCESS, Access
from darkroom.store.base import Entry, Store
from darkroom.store.folder import FolderStore

# S3's rule with the dots and underscores of GCS's; a bucket's name goes into hosts and paths
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_SLIP = re.compile("(s3|gs|file):")


def open_store(location: str, access: Access = NO_ACCESS) -> Store:
    """The store whose root `location` names: a folder's path, or a `file://`, `s3://` or `gs://` URI.

    Raises `BadInput` for a scheme that no backend serves. Nothing is created, and nothing asked of a service: a
    folder comes to be with its first object.
    """
    scheme, _, _ = location.partition("://")
    if location.startswith("dropbox:/"):
        raise BadInput(
            f"{readable(location)}: Dropbox is no store, files are only fetched from there (`darkroom ingest --from`); "
            "give a folder's path, or file://, s3:// or gs://."
        )
    if scheme == location:
        if not location.strip():
            raise BadInput("A store's location is empty: give a folder's path or a URI.")
        if slip := _SLIP.match(location):  # else it would be a folder here, and all seem well
            raise BadInput(f"{readable(location)}: write {slip[1]}:// with two slashes, or ./{slip[1]}: for a folder.")
        return FolderStore(Path(location), access)
    if scheme == "file":
        parts = urlsplit(location)
        if parts.netloc not in ("", "localhost"):
            raise BadInput(f"{location}: a file URI has no host; write file:///path.")
        return FolderStore(path_of(location), access)
    if scheme in ("s3", "gs"):
        bucket, _, prefix = location.removeprefix(f"{scheme}://").partition("/")
        if not _BUCKET.fullmatch(bucket):
            raise BadInput(f"{location}: {bucket!r} is no bucket's name; write {scheme}://bucket/prefix.")
        # imported where they are needed: a folder's user pays for neither
        if scheme == "s3":
            from darkroom.store.s3 import S3Store

            return S3Store(bucket, prefix, access)
        from darkroom.store.gcs import GcsStore

        return GcsStore(bucket, prefix, access)
    raise BadInput(f"{location}: no store for {scheme}:// addresses; give a folder's path, or file://, s3:// or gs://.")


def readable(location: str) -> str:
    """A location as a person would type it: a folder's path instead of its URI.

    >>> readable("file:///my%20scans/a%20%231.jpg")
    '/my scans/a #1.jpg'
    >>> readable("s3://scans/a.jpg")
    's3://scans/a.jpg'
    """
    path = str(path_of(location)) if location.startswith("file://") else location
    # a line break would be two lines of a log, and a terminal obeys control characters
    return path if path.isprintable() else ascii(path)[1:-1]


def path_of(uri: str) -> Path:
    """The path of a `file://` URI. A name may be any bytes, whether or not they are UTF-8."""
    return Path(unquote(urlsplit(uri).path, errors="surrogateescape"))


def exists(location: str) -> bool:
    """Is there such a place, although nothing may lie in it: a folder, or a bucket as a whole?

    Of a prefix only its objects tell, so it does not exist without one. Raises `BadInput` for a bucket that is none.
    """
    store = open_store(location)
    if next(iter(store.list()), None) is not None:
        return True
    if store.uri.startswith("file://"):
        return Path(readable(store.uri)).is_dir()
    return "/" not in store.uri.partition("://")[2]


def read_object(uri: str, access: Access = NO_ACCESS) -> bytes:
    """The content of the one object at `uri` (as `Store.uri_of` writes it). Raises `NotFound`, `BadInput`."""
    store, key = _object(uri, access)
    return store.read(key)


def head_object(uri: str, access: Access = NO_ACCESS) -> Entry | None:
    """The entry of the one object at `uri` (as `Store.uri_of` writes it), or None where there is none."""
    store, key = _object(uri, access)
    return store.head(key)


def _object(uri: str, access: Access) -> tuple[Store, str]:
    scheme, _, path = uri.partition("://")
    if scheme in ("s3", "gs"):
        bucket, _, key = path.partition("/")
        return open_store(f"{scheme}://{bucket}", access), key
    parent, _, name = uri.rpartition("/")
    if not name:
        raise BadInput(f"{uri}: not an object's address; it ends in a slash.")
    if uri.startswith("file://"):
        name = unquote(name, errors="surrogateescape")
    return open_store(parent or ("/" if uri.startswith("/") else "."), access), name
