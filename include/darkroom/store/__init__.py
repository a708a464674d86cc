"""One small interface over the places where objects lie; `open_store` opens one by its path or URI."""

from darkroom.store.base import Entry, Reading, Store
from darkroom.store.uris import head_object, open_store, read_object

__all__ = ["Entry", "Reading", "Store", "head_object", "open_store", "read_object"]
