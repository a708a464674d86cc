"""How much a run may take away of what stands, because its source has it no more: else it takes away nothing."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from darkroom.errors import BadInput

_OBJECTS, _SHARE = re.compile(r"[0-9]{1,9}"), re.compile(r"([0-9]{1,3}) ?%")
_ANY_NUMBER = 10**9

LET_NO_MORE = "its guards let no more than"
MORE_THAN_MAY = "which is more than may be removed"
NOTHING_IS_DONE = ": nothing is done."
"""What a sentence says by which a guard stops something: an alert knows it by these (`stopped`)."""


class Guards(BaseModel):
    """No more than so many objects, and no more than this share of those that stand there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    objects: Annotated[int, Field(ge=0, strict=True)] = 100
    percent: Annotated[int, Field(ge=0, le=100, strict=True)] = 10

    def most(self, standing: int) -> int:
        """How many of so many may go.

        >>> Guards(objects=100, percent=10).most(1000), Guards(objects=10, percent=50).most(9)
        (100, 4)
        """
        return min(self.objects, standing * self.percent // 100)


def parse_max_delete(said: str) -> Guards:
    """The guards that `50` or `5%` means. Raises `BadInput`.

    >>> parse_max_delete("50"), parse_max_delete("5%").percent
    (Guards(objects=50, percent=100), 5)
    """
    text = said.strip()
    if _OBJECTS.fullmatch(text):
        return Guards(objects=int(text), percent=100)
    if (share := _SHARE.fullmatch(text)) and int(share[1]) <= 100:
        return Guards(objects=_ANY_NUMBER, percent=int(share[1]))
    raise BadInput(f"max_delete: {said!r} is neither a number of objects, such as 50, nor a share of them, such as 5%.")


def stopped(sentence: str) -> bool:
    """Is it a guard that says this?

    >>> stopped("maps: gs://scans lists nothing, though 12 copies are known: nothing is done. See whether ...")
    True
    """
    return any(words in sentence for words in (LET_NO_MORE, MORE_THAN_MAY, NOTHING_IS_DONE))
