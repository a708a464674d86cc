"""Which objects a pattern means."""

import random
import time
from functools import cache

import pytest

from darkroom.errors import BadInput
from darkroom.store.globs import LONGEST, chooser

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


def test_a_pattern_that_is_longer_than_any_key_is_refused() -> None:
    assert chooser(["a" * LONGEST])("a" * LONGEST)
    with pytest.raises(BadInput, match=r"'aaaa.*is no pattern: it has more than 1,024 characters; write it shorter"):
        chooser(["a" * (LONGEST + 1)])


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("*a*a*a*a*a*b", "a" * 150),
        ("*a*a*a*a*a", "a" * 150 + "b"),
        ("**a**a**a**a**a**b", "a" * 150),
        ("**/a/**/a/**/a/**/a/**/b", "a/" * 120),
        ("**/*/**/*/**/*/**/*/b", "a/" * 120),
        ("**/*a*a*a*/**/*a*a*/b", "aaaaaaaa/" * 60),
        ("[a-c]*[a-c]*[a-c]*[a-c]*[a-c]*[!a]", "a" * 150),
        ("?*?*?*?*?*/b", "a" * 150),
    ],
)
def test_no_pattern_makes_a_key_slow(pattern: str, key: str) -> None:
    wanted = chooser([pattern])
    began = time.process_time()
    wanted(key)
    assert time.process_time() - began < 0.5


def slowly(pattern: str, key: str) -> bool:
    """Does a pattern of letters, stars, slashes and question marks match, when every way is tried?"""

    @cache
    def match(at: int, to: int) -> bool:
        rest, text = pattern[at:], key[to:]
        if not rest:
            return not text
        if rest.startswith("**/") and pattern[:at][-1:] in ("", "/"):
            return match(at + 3, to) or any(match(at + 3, to + n + 1) for n, one in enumerate(text) if one == "/")
        if rest.startswith("**"):
            return any(match(at + 2, to + n) for n in range(len(text) + 1))
        if rest[0] == "*":
            return any(match(at + 1, to + n) for n in range(len(text.partition("/")[0]) + 1))
        fits = bool(text) and (text[0] == rest[0] or (rest[0] == "?" and text[0] != "/"))
        return fits and match(at + 1, to + 1)

    return match(0, 0)


def test_what_is_found_quickly_is_what_is_found_by_trying_every_way() -> None:
    dice = random.Random(19)  # noqa: S311
    matched = 0
    for _ in range(20_000):
        pattern = "".join(
            dice.choices(
                ["a", "b", "/", "*", "**", "**/", "?", "/**/"], [5, 3, 3, 5, 1, 2, 1, 1], k=dice.randrange(1, 9)
            )
        )
        key = "".join(dice.choices("ab/", [5, 3, 3], k=dice.randrange(9)))
        whole = pattern.removeprefix("/") + ("**" if pattern.endswith("/") else "")
        if not pattern.strip("/"):
            continue
        meant = slowly(whole if "/" in whole else f"**/{whole}", key)
        assert chooser([pattern])(key) == meant, (pattern, key)
        matched += meant
    assert matched > 1000
