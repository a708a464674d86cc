"""Which objects a pattern means."""

import pytest

from darkroom.errors import BadInput
from darkroom.store.globs import chooser

KEYS = ("a.jpg", "b.png", "maps/a.jpg", "maps/1890/a.jpg", "maps/1890/b.JPG", "maps/1890/[x].tif", "map/s.jpg")


@pytest.mark.parametrize(
    ("include", "exclude", "chosen"),
    [
        ([], [], KEYS),
        (["*.jpg"], [], ("a.jpg", "maps/a.jpg", "maps/1890/a.jpg", "map/s.jpg")),
        (["*.jpg", "*.png"], ["maps/"], ("a.jpg", "b.png", "map/s.jpg")),
        (["maps/*.jpg"], [], ("maps/a.jpg",)),
        (["maps/**/*.jpg"], [], ("maps/a.jpg", "maps/1890/a.jpg")),
        (["maps/**"], ["*.jpg"], ("maps/1890/b.JPG", "maps/1890/[x].tif")),
        (["**/1890/**"], [], ("maps/1890/a.jpg", "maps/1890/b.JPG", "maps/1890/[x].tif")),
        (["/maps/*"], [], ("maps/a.jpg",)),
        (["?.jpg"], ["map/*"], ("a.jpg", "maps/a.jpg", "maps/1890/a.jpg")),
        (["[!a].*"], [], ("b.png", "maps/1890/b.JPG", "map/s.jpg")),
        (["[a-b].[jp]*"], [], ("a.jpg", "b.png", "maps/a.jpg", "maps/1890/a.jpg")),
        (["[[]x*"], [], ("maps/1890/[x].tif",)),
        (["a.jp"], [], ()),
        ([], ["*"], ()),
        (["maps"], [], ()),
    ],
)
def test_patterns_choose_by_the_key_below_the_location(
    include: list[str], exclude: list[str], chosen: tuple[str, ...]
) -> None:
    wanted = chooser(include, exclude)
    assert tuple(key for key in KEYS if wanted(key)) == chosen


def test_characters_that_mean_something_to_a_regular_expression_mean_themselves() -> None:
    assert chooser(["a+b (1).png"])("a+b (1).png")
    assert not chooser(["a.png"])("axpng")
    assert chooser(["x[.png"])("x[.png")
    assert chooser(["*.png"])("line\nbreak.png")


@pytest.mark.parametrize("pattern", ["", "/", "[z-a].jpg"])
def test_a_pattern_that_cannot_be_is_refused(pattern: str) -> None:
    with pytest.raises(BadInput, match="is no pattern"):
        chooser([pattern])
