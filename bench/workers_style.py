"""The style that workers share out: as many colours, and so jobs, as a real one has, and renders that cost little.

Every picture is another one. A render of a few hundred pixels is decoded and drawn in no time, so that what a picture
costs is its encoding and its way to the store, of which there is as much whatever the renders' size.
"""

from collections.abc import Iterator
from pathlib import Path

from darkroom import keys
from darkroom.compositing.cost import ENOUGH
from darkroom.figures import REFERENCE, Figures, keep_figures
from darkroom.store import open_store
from darkroom.styles.names import SIDES
from tests import renders

NAME = "fleet"
_TOPS = tuple(f"t{number}" for number in range(1, 7))
_SKIRTS = tuple(f"b{number}" for number in range(1, 5))
_OTHERS = tuple(f"a{number}" for number in range(1, 5))
COMBINATIONS: int = (len(_TOPS) + 1) * (len(_SKIRTS) + 1) * 2 ** len(_OTHERS)
ONE_TOP = _TOPS[0]
OF_ONE_TOP = COMBINATIONS // (len(_TOPS) + 1)
"""How many combinations have it."""


def pictures(colours: int) -> int:
    """How many pictures of the style so many colours are."""
    return COMBINATIONS * colours * len(SIDES)


def write_styles(folder: Path, names: tuple[str, ...], colours: int) -> None:
    """The same style under each of these names: a run of one finds nothing that another's has made."""
    folder.mkdir()
    for name in names:
        (folder / f"{name}.yaml").write_text(_text(name, colours), encoding="utf-8")


def fill(bucket: Path, *, colours: int, size: int, colours_a_job: int) -> None:
    """What the studio's bucket holds before the first run: the renders, and figures by which a plan cuts jobs.

    By those, so many colours of a side take as long as is enough for a job.
    """
    renders.draw(bucket / keys.raw_renders(NAME), _layers(), range(colours), size)
    slow = {"machine": "a slow one", "encode": ENOUGH / (colours_a_job * COMBINATIONS)}
    keep_figures(open_store(str(bucket)), Figures.model_validate({**REFERENCE.model_dump(), **slow}))


def _layers() -> Iterator[str]:
    for side in SIDES:
        yield from (f"base_bottom_{side}", f"default_belt_{side}", f"base_neckline_{side}")
        yield from (f"{code}_neckline_{side}" for code in _TOPS)
        yield from (f"{code}_bottom_{side}" for code in _SKIRTS)
        yield from (f"{code}_infront_{side}" for code in _OTHERS)


def _text(name: str, colours: int) -> str:
    tops, skirts, others = (", ".join(codes) for codes in (_TOPS, _SKIRTS, _OTHERS))
    defaults = "\n".join(
        f"    {side}: {{bottom: base_bottom_{side}, belt: default_belt_{side}, neckline: base_neckline_{side}}}"
        for side in SIDES
    )
    return f"""\
style: {name}
name: Fleet
colours: {colours}
lengths: {{knee: Knee}}
customizations: [{tops}, {skirts}, {others}]
layering: [{tops}, {skirts}, {others}]
defaults:
  Knee:
{defaults}
options:
  - one of: [{tops}]
  - one of: [{skirts}]
  - any of: [{others}]
"""
