"""Is it the folder that it was, and are its files' names what the rules want?"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from darkroom import keys, ledger
from darkroom.amounts import counted
from darkroom.errors import BadInput
from darkroom.guards import NOTHING_IS_DONE
from darkroom.jobs import Document, dump
from darkroom.store import Store, readable
from darkroom.sync.rules import Checker
from darkroom.sync.scan import Judge
from darkroom.sync.share import Share

_SAMPLE = 50  # files by which a folder is known again
_ALL = 100  # percent


class Sample(Document):
    """Some of the files that the last run found, the names of their items."""

    files: tuple[str, ...] = ()
    damaged: bool = False


def judge_of(checker: Checker, chosen: Callable[[str], bool] | None) -> Judge:
    """Which names of a folder are refused: what the rules do not allow, and what means the same as another one."""

    def judge(found: Sequence[str]) -> Mapping[str, str]:
        names = [key for key in found if chosen is None or chosen(key)]
        reasons = {key: reason for key in names if (reason := checker.wrong_name(key))}
        rivals: defaultdict[str, list[str]] = defaultdict(list)
        for key in names:
            if key not in reasons:
                rivals[checker.identity(key)].append(key)
        for alike in rivals.values():
            for key in alike if len(alike) > 1 else ():
                others = ", ".join(other.rpartition("/")[2] for other in alike if other != key)
                reasons[key] = f"{others} beside it means the same; keep one of them"
        return reasons

    return judge


def require_folder(share: Share, state: Store, target: str) -> None:
    """Raise `BadInput` where the folder is empty, or another one, though something of it stands in the bucket.

    Whoever allows all to be removed (100 %) means it.
    """
    profile = share.profile
    if not share.standing or profile.guards.percent == _ALL:
        return
    if not share.files:
        raise BadInput(
            f"{profile.source}: it has no file that could be uploaded, though {counted(share.standing, 'object')} "
            f"stand in {readable(profile.target)}{NOTHING_IS_DONE} Is the drive mounted? Where the folder was really "
            "emptied, allow it with --max-delete 100%."
        )
    known = set(ledger.read(state, keys.synced_folder(profile.name, target), Sample).files)
    if known and not any(name in known for name in share.names()):
        raise BadInput(
            f"{profile.source}: none of the {counted(len(known), 'file')} that were looked for from the last run is "
            f"there{NOTHING_IS_DONE} Is another folder mounted? Where it is right, allow it with --max-delete 100%."
        )


class Sampler:
    """Takes some of many names, evenly from all over, however many there are."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._step = 1
        self._seen = 0

    def add(self, name: str) -> None:
        """One name more."""
        if self._seen % self._step == 0:
            self.names.append(name)
            if len(self.names) > _SAMPLE:
                self.names, self._step = self.names[::2], self._step * 2
        self._seen += 1


def remember(state: Store, profile: str, target: str, names: Sequence[str]) -> None:
    """Note some of a profile's files for the next run; where there is none, what is known stays."""
    if names:
        sample = Sample(files=tuple(names))
        state.write(keys.synced_folder(profile, target), dump(sample), content_type="application/json")
