"""One small interface over the places where objects lie; `open_store` opens one by its path or URI."""

from darkroom.store.base import Entry, Reading, Store
from darkroom.store.uris import exists, head_object, open_store, path_of, read_object, readable

__all__ = ["Entry", "Reading", "Store", "exists", "head_object", "open_store", "path_of", "read_object", "readable"]
