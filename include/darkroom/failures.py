"""Why an item was not made, by the step that failed: reports count them so."""

from typing import ClassVar, Literal

from darkroom.errors import ItemError

Kind = Literal["download", "decode", "write", "validate", "mismatch"]


class StepFailed(ItemError):
    """One item cannot be made. Its text is the reason, without the file's name and without a full stop."""

    kind: ClassVar[Kind]


class DownloadFailed(StepFailed):
    """The source cannot be fetched."""

    kind = "download"


class Gone(DownloadFailed):
    """There is no such source any more: whoever keeps it answers that it is not found, and nothing less."""


class DecodeFailed(StepFailed):
    """The source is no image, or a damaged, too large or unread one."""

    kind = "decode"


class WriteFailed(StepFailed):
    """What was made cannot be written."""

    kind = "write"


class Taken(WriteFailed):
    """Something that is not ours stands at its place: a person has to move it away."""


class ValidateFailed(StepFailed):
    """What was written is not what it should be."""

    kind = "validate"


class Mismatch(StepFailed):
    """Something has another hash than it must have: an alert of its own kind. Its text has both."""

    kind = "mismatch"
