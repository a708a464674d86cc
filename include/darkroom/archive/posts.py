"""Which thumbnails are due in WordPress: what was copied, and what could not be posted before."""

from collections.abc import Mapping

from darkroom import keys, ledger
from darkroom.archive.job import ArchiveItem, DuePosts, PostItem
from darkroom.store import Store


def post_of(item: ArchiveItem) -> PostItem:
    """The thumbnail of an object that is copied."""
    assert item.original
    return PostItem(
        name=f"{item.name} (thumbnail)",
        pair=item.pair,
        key=item.original.key,
        source=item.source,
        target=item.target,
        modified=item.original.modified,
        copied_by=item.name,
    )


def due_posts(store: Store, target: str) -> Mapping[str, PostItem]:
    """Those of a target that are due since a run before, by the keys of their copies."""
    return ledger.read(store, keys.due_posts(target), DuePosts).posts


def settle_posts(store: Store, target: str, due: Mapping[str, PostItem], done: frozenset[str]) -> None:
    """Note which are due from now on, and which are not any more."""
    known = due_posts(store, target)
    if not due and not (known.keys() & done):
        return

    def change(before: DuePosts) -> DuePosts:
        kept = {key: post for key, post in before.posts.items() if key not in done}
        return before.model_copy(update={"posts": kept | dict(due)})

    ledger.update(store, keys.due_posts(target), DuePosts, change)
