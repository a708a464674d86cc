"""What a person does about an item that was not made: one action for every kind of failure."""

from darkroom.failures import DecodeFailed, DownloadFailed, Mismatch, ValidateFailed, WriteFailed
from darkroom.jobs import Cause, NotDone, State

ACTIONS = {
    DownloadFailed.kind: "See that the source is there and may be read, then start a run: it takes up what is left.",
    DecodeFailed.kind: "Open the file where it lies. If it is broken there too, have it delivered again.",
    WriteFailed.kind: "See that there is room, that Darkroom may write there, and who else does; then start a run.",
    ValidateFailed.kind: "What was made was not right, and is not published. Start a run; if it comes back, keep the "
    "input and ask whoever maintains Darkroom.",
    Mismatch.kind: "Two copies of one thing differ. Find out which is right before anything is deleted; nothing was "
    "let go.",
    "settle": "It is made and stands; whoever waits for it was not told. The next run tells them.",
}
"""By the kind of a `NotDone`. A test holds that every kind has one."""
UNSAID = {
    State.REFUSED: "Mend what the reason names, then start a run: it takes up what is left.",
    State.FAILED: "Start a run: it takes up what is left. If it comes back, the reason says where to look.",
}
"""Where no kind was told, by the state."""


def to_do(one: NotDone | Cause) -> str:
    """What a person does about it."""
    return ACTIONS.get(one.kind) or UNSAID[one.state]
