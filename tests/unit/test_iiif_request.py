"""IIIF Image API 3.0: which addresses say something, and what that means for an image of some size."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from darkroom.iiif.geometry import LARGEST, Box, Cut, resolve
from darkroom.iiif.plan import Grid, Unservable, factors, plan
from darkroom.iiif.request import QUALITIES, BadRequest, parse

WIDTH, HEIGHT = 1800, 1200


def cut(address: str, width: int = WIDTH, height: int = HEIGHT) -> Cut:
    return resolve(parse(*address.split("/")), width, height)


@pytest.mark.parametrize(
    ("said", "box"),
    [
        ("full", (0, 0, 1800, 1200)),
        ("square", (300, 0, 1200, 1200)),
        ("0,0,1800,1200", (0, 0, 1800, 1200)),
        ("100,200,300,400", (100, 200, 300, 400)),
        ("1700,1100,300,300", (1700, 1100, 100, 100)),  # cut at the image's edge
        ("pct:25,50,10,20", (450, 600, 180, 240)),
        ("pct:0,0,100,100", (0, 0, 1800, 1200)),
        ("pct:33.3333333,0,33.3333333,100", (600, 0, 600, 1200)),
        ("pct:50,50,100,100", (900, 600, 900, 600)),
    ],
)
def test_a_region_is_that_part_of_the_image(said: str, box: tuple[int, int, int, int]) -> None:
    assert cut(f"{said}/!100,100/0/default.jpg").box == Box(*box)


@pytest.mark.parametrize(
    "said",
    [
        *(
            "",
            "all",
            "FULL",
            "square,",
            "1,2,3",
            "1,2,3,4,5",
            "-1,0,5,5",
            "0,0,-5,5",
            "1.5,0,5,5",
            "0,0,5,x",
            "0,0,5,5 ",
        ),
        *("pct:", "pct:1,2,3", "pct:-1,0,10,10", "pct:a,b,c,d", "pct:1e2,0,1,1", "0x1,0,5,5", "٣,0,5,5"),
        *("0,0,0,5", "0,0,5,0", "pct:0,0,0,10", "1800,0,5,5", "0,1200,5,5", "pct:100,0,10,10", "pct:0,0,0.01,50"),
        "99999999999,0,1,1",
    ],
)
def test_a_region_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(BadRequest, match=r"^region"):
        cut(f"{said}/max/0/default.jpg")


@pytest.mark.parametrize(
    ("said", "size", "canonical"),
    [
        ("max", (1800, 1200), "max"),
        ("^max", (2048, 1365), "^max"),
        ("900,", (900, 600), "900,600"),
        (",300", (450, 300), "450,300"),
        ("pct:50", (900, 600), "900,600"),
        ("pct:100", (1800, 1200), "max"),
        ("pct:0.1", (2, 1), "2,1"),
        ("^pct:110", (1980, 1320), "^1980,1320"),
        ("100,500", (100, 500), "100,500"),
        ("1800,1200", (1800, 1200), "max"),
        ("^1900,", (1900, 1267), "^1900,1267"),
        ("^,1300", (1950, 1300), "^1950,1300"),
        ("^2000,100", (2000, 100), "^2000,100"),
        ("^900,600", (900, 600), "900,600"),
        ("!500,500", (500, 333), "500,333"),
        ("!5000,5000", (1800, 1200), "max"),
        ("^!2000,2000", (2000, 1333), "^2000,1333"),
        ("^!9000,9000", (2048, 1365), "^max"),
        ("!1,9000", (1, 1), "1,1"),
    ],
)
def test_a_size_is_what_the_region_becomes(said: str, size: tuple[int, int], canonical: str) -> None:
    found = cut(f"full/{said}/0/default.jpg")
    assert (found.width, found.height) == size
    assert found.canonical == f"full/{canonical}/0/default.jpg"


@pytest.mark.parametrize(
    "said",
    [
        *(
            "",
            "full",
            ",",
            "^,",
            "max,",
            "100",
            "100px,",
            "-5,",
            "1.5,",
            "pct:",
            "pct:-1",
            "!100",
            "!100,",
            "!,100",
            "^^max",
        ),
        *("0,", ",0", "0,0", "0,100", "pct:0", "pct:0.01", "!0,10", "^0,"),
        *("1801,", ",1201", "1801,1200", "1800,1201", "pct:101"),  # larger than the region, without ^
        *("^3000,", "^,2049", "^pct:1000", "^2049,1"),  # larger than what is answered at once
    ],
)
def test_a_size_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(BadRequest, match=r"^size"):
        cut(f"full/{said}/0/default.jpg")


def test_of_a_large_image_no_more_is_answered_than_the_limits_say() -> None:
    whole = cut("full/max/0/default.jpg", 30_000, 20_000)
    assert (whole.width, whole.height, whole.canonical) == (2048, 1365, "full/max/0/default.jpg")
    assert cut("full/^max/0/default.jpg", 30_000, 20_000).canonical == "full/max/0/default.jpg"
    with pytest.raises(BadRequest, match="more than is answered at once"):
        cut("full/4000,/0/default.jpg", 30_000, 20_000)


@pytest.mark.parametrize(
    ("said", "mirrored", "turn", "canonical"),
    [
        ("0", False, 0, "0"),
        ("90", False, 90, "90"),
        ("180.0", False, 180, "180"),
        ("270", False, 270, "270"),
        ("360", False, 0, "0"),
        ("!0", True, 0, "!0"),
        ("!180", True, 180, "!180"),
    ],
)
def test_a_rotation_mirrors_and_then_turns(said: str, mirrored: bool, turn: int, canonical: str) -> None:
    found = cut(f"full/max/{said}/default.jpg")
    assert (found.mirrored, found.turn) == (mirrored, turn)
    assert found.canonical.split("/")[2] == canonical


@pytest.mark.parametrize("said", ["", "!", "45", "22.5", "-90", "361", "450", "90!", "x", "9O", "nan"])
def test_a_rotation_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(BadRequest, match=r"^rotation"):
        cut(f"full/max/{said}/default.jpg")


@pytest.mark.parametrize("said", ["", "jpg", "default", "default.", "default.gif", "default.jp2", "default.tif", "a.b"])
def test_a_quality_or_format_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(BadRequest, match=r"^(quality|format)"):
        cut(f"full/max/0/{said}")


def test_color_is_what_an_image_has_anyway() -> None:
    assert {one: cut(f"full/max/0/{one}.png").quality for one in QUALITIES} == {
        "default": "default",
        "color": "default",
        "gray": "gray",
        "bitonal": "bitonal",
    }


WORDS = st.text("0123456789,.:!^pctmaxfulsqre%/ -", max_size=30) | st.text(max_size=12)
NUMBERS = st.integers(0, 5000).map(str)
REGIONS = st.just("full") | st.just("square") | st.tuples(*[NUMBERS] * 4).map(",".join)
SIZES = (
    st.sampled_from(["max", "^max"])
    | st.tuples(st.sampled_from(["", "^", "!", "^!"]), NUMBERS, NUMBERS).map(lambda one: f"{one[0]}{one[1]},{one[2]}")
    | NUMBERS.map(lambda one: f"{one},")
    | NUMBERS.map(lambda one: f"^,{one}")
)


@given(WORDS, WORDS, WORDS, WORDS)
def test_whatever_is_written_is_read_or_refused_in_a_printable_sentence(a: str, b: str, c: str, d: str) -> None:
    said = ""
    try:
        parse(a, b, c, d)
    except BadRequest as error:
        said = str(error)
    assert said.isprintable()
    assert len(said) < 300


@given(REGIONS, SIZES, st.integers(1, 40_000), st.integers(1, 40_000))
def test_an_answer_lies_in_the_image_and_in_the_limits_and_its_canonical_address_is_its_own(
    region: str, size: str, width: int, height: int
) -> None:
    try:
        found = cut(f"{region}/{size}/0/default.png", width, height)
    except BadRequest:
        return
    box = found.box
    assert 0 <= box.x < box.x + box.width <= width
    assert 0 <= box.y < box.y + box.height <= height
    assert 1 <= found.width <= LARGEST
    assert 1 <= found.height <= LARGEST
    assert size.startswith("^") or (found.width <= box.width and found.height <= box.height)
    again = cut(found.canonical, width, height)
    assert (again.box, again.width, again.height, again.canonical) == (box, found.width, found.height, found.canonical)


def pyramid(width: int, height: int, tile: int = 512) -> list[Grid]:
    """As `darkroom pyramid` lays one out."""
    sizes = [(width, height)]
    while max(sizes[-1]) > tile and min(sizes[-1]) > 1:
        sizes.append((sizes[-1][0] // 2, sizes[-1][1] // 2))
    found = factors(sizes)
    return [Grid(*size, tile, tile, factor) for size, factor in zip(sizes, found, strict=True)]


@given(REGIONS, SIZES, st.integers(1, 40_000), st.integers(1, 40_000))
def test_whatever_is_asked_of_a_pyramid_takes_little_of_it(region: str, size: str, width: int, height: int) -> None:
    levels = pyramid(width, height)
    try:
        found = cut(f"{region}/{size}/0/default.png", width, height)
    except BadRequest:
        return
    try:
        take = plan(levels, found)
    except Unservable:  # a very narrow answer of a part that is both wide and high
        assert max(found.box.width / found.width, found.box.height / found.height) > 2
        return
    level = levels[take.level]
    assert 0 <= take.columns.start < take.columns.stop <= level.across
    assert 0 <= take.rows.start < take.rows.stop <= level.down
    left, top = take.columns.start * level.tile_width + take.box.x, take.rows.start * level.tile_height + take.box.y
    assert left + take.box.width <= level.width
    assert top + take.box.height <= level.height
    assert len(take.columns) * len(take.rows) * 512**2 <= 72 << 20


@given(st.integers(513, 40_000), st.integers(513, 40_000))
def test_a_viewers_tile_is_one_tile_of_the_file(width: int, height: int) -> None:
    levels = pyramid(width, height)
    for number, level in enumerate(levels):
        step = 512 * 2**number
        size = f"{min(512, -(-width // 2**number))},{min(512, -(-height // 2**number))}"
        take = plan(levels, cut(f"0,0,{step},{step}/{size}/0/default.jpg", width, height))
        assert (take.level, take.columns, take.rows) == (number, range(1), range(1))
        assert level.factor == 2**number


def test_an_image_without_levels_is_not_read_whole_for_a_small_answer() -> None:
    with pytest.raises(Unservable, match="no level that is small enough"):
        plan([Grid(30_000, 30_000, 256, 256)], cut("full/100,/0/default.jpg", 30_000, 30_000))


def test_levels_that_are_no_halves_are_taken_for_what_they_are() -> None:
    assert factors([(3000, 3000), (1000, 1000), (500, 500)]) == [1, 3, 6]
    assert factors([(5000, 1), (2500, 1)]) == [1, Fraction(2)]
