"""What can go wrong, by what it means for the caller."""

from collections.abc import Iterable


class DarkroomError(Exception):
    """Anything that Darkroom itself says no to. Its text is a sentence for a person."""


class BadInput(DarkroomError):
    """The whole request is refused and nothing was done (exit code 2).

    `problems` holds every reason, one sentence each: what, where, what to do.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class StoreError(DarkroomError):
    """A store cannot do what was asked: a name it cannot hold, a path that leaves its root, a full disk."""


class NotFound(StoreError):
    """There is no object of that key."""


class Conflict(StoreError):
    """A conditional write found another object (or none) than its condition says."""


class SourceChanged(Conflict):
    """What was to be copied or moved is another object than the one that was asked for."""


class Denied(StoreError):
    """A service refuses whoever asks: other credentials or rights can mend that, and no second try (exit code 2)."""


class Unavailable(StoreError):
    """A service cannot be used now, but perhaps later: it does not answer, is too busy, or the credentials expired."""


class Damaged(StoreError):
    """A stream's bytes were changed on their way; nothing of it was published. It can be tried again from its start."""


class Busy(DarkroomError):
    """Another run is at work on the same thing: what was asked for can be done when that has ended."""


class ItemError(DarkroomError):
    """One item cannot be made; the items beside it can. Its text is the outcome's reason."""
