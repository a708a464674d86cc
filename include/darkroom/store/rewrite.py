"""A copy whose bytes come through here: from one service to another, or where a copy would heed no conditions."""

from darkroom.store.base import CONTENT_TYPE, Entry, Store, source_changed


def rewrite(
    origin: Store,
    source: str,
    store: Store,
    target: str,
    *,
    if_absent: bool = False,
    if_match: str | None = None,
    if_source_match: str | None = None,
) -> Entry:
    """Write what is read in one stream, with its type, metadata and headers. Conditions and errors: `Store.copy`."""
    with origin.open(source) as reading:
        seen = reading.entry
        if if_source_match not in (None, seen.etag):
            raise source_changed(origin.uri_of(source))
        return store.write(
            target,
            reading.stream,
            size=seen.bytes,
            content_type=seen.content_type or CONTENT_TYPE,
            metadata=seen.metadata,
            headers=seen.headers,
            if_absent=if_absent,
            if_match=if_match,
            confirm=False,
        )
