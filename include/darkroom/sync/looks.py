"""Many files looked at side by side, as a dry run does: what each one is, and whether its content is allowed."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Self

from darkroom.errors import StoreError
from darkroom.failures import StepFailed
from darkroom.progress import Progress
from darkroom.store.folder_paths import Paths
from darkroom.sync.cache import Known
from darkroom.sync.look import Looked, look, opened
from darkroom.sync.rules import Checker
from darkroom.sync.scan import File, root_of

_AT_ONCE = 8  # threads; more wait for the same drive and the same interpreter
_BATCH, _BYTES = 50, 1 << 20  # files that a thread takes at once, until they are so many bytes


class Looks:
    """Threads that look at a folder's files; what they read is noted. A context manager, which shows progress."""

    def __init__(self, folder: str, checker: Checker, note: Callable[[Known], None], title: str) -> None:
        self._paths, self._checker, self._note = Paths(Path(root_of(folder))), checker, note
        self._title = f"{title}: looking at files"
        self._pool = ThreadPoolExecutor(_AT_ONCE, "looking")
        self._progress: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._progress:
            self._progress.__exit__(*raised)

    def begin(self, files: Sequence[File]) -> Iterator[Looked]:
        """What each file is, in their order. They are looked at from now on, whenever that is asked for."""
        if files and not self._progress:
            self._progress = Progress(self._title, None).__enter__()
        return chain.from_iterable(self._pool.map(self._look_at, _batches(files)))

    def _look_at(self, files: Sequence[File]) -> list[Looked]:
        return [self._look(file) for file in files]

    def _look(self, file: File) -> Looked:
        try:
            with opened(self._paths.of(file.key), file.version) as handle:
                found = look(handle, file.bytes, self._checker if self._checker.needs_content else None)
        except (StoreError, StepFailed) as error:
            return Looked("", reason=str(error).rstrip("."))
        finally:
            if self._progress:
                self._progress.advance()
        self._note(Known(file.key, file.version, found.md5, self._checker.digest, found.reason))
        return Looked(found.md5, reason=found.reason)


def _batches(files: Sequence[File]) -> Iterator[list[File]]:
    """Them by so many: to hand over a small file alone costs as much as to read it."""
    batch: list[File] = []
    size = 0
    for file in files:
        batch.append(file)
        size += file.bytes
        if len(batch) >= _BATCH or size >= _BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
