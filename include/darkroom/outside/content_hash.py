"""Dropbox's content hash (https://www.dropbox.com/developers/reference/content-hash), without its library."""

from hashlib import sha256

_BLOCK = 4 << 20


class ContentHash:
    """The hash of what was added so far: the SHA-256 of the SHA-256s of its blocks of 4 MiB.

    Dropbox's own hasher is the same, but its import takes two seconds, and it can be asked once only.
    """

    def __init__(self) -> None:
        self._blocks = sha256()
        self._block = sha256()
        self._filled = 0

    def update(self, data: bytes | bytearray | memoryview) -> None:
        """Add what follows."""
        rest = memoryview(data)
        while rest:
            part, rest = rest[: _BLOCK - self._filled], rest[_BLOCK - self._filled :]
            self._block.update(part)
            self._filled += len(part)
            if self._filled == _BLOCK:
                self._blocks.update(self._block.digest())
                self._block, self._filled = sha256(), 0

    def hexdigest(self) -> str:
        """64 hex digits in lower case. More can be added afterwards."""
        whole = self._blocks.copy()
        if self._filled:
            whole.update(self._block.digest())
        return whole.hexdigest()

    def copy(self) -> "ContentHash":
        """The same state, apart from this one."""
        other = ContentHash()
        other._blocks, other._block, other._filled = self._blocks.copy(), self._block.copy(), self._filled
        return other
