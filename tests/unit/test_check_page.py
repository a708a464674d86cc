"""The page of what the checks found: all that is wrong, with pictures, and nothing that a browser would obey."""

import base64
import io
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from darkroom.checks.check import Check
from darkroom.checks.findings import KINDS, Finding, finding
from darkroom.checks.page import MOST_FINDINGS, page, renders_of
from darkroom.checks.pictures import MOST
from darkroom.store import open_store
from tests.renders import pixels, png

SIZE = 400


class Page(HTMLParser):
    """A page as a browser reads it: its elements with their attributes, and its text."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(data.decode())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def images(self) -> list[Image.Image]:
        head = "data:image/png;base64,"
        assert all(one["src"].startswith(head) for one in self.all("img"))
        return [Image.open(io.BytesIO(base64.b64decode(one["src"].removeprefix(head)))) for one in self.all("img")]


def made(folder: Path, *findings: Finding) -> Page:
    counts = {kind: sum(one.kind == kind for one in findings) for kind in KINDS}
    words = {"style": "dress", "renders": "file:///renders", "lengths": ("knee",), "needed": 2, "decoded": 1}
    check = Check(**words, counts=counts, findings=findings)
    return Page(page(check, renders_of(open_store(str(folder)), 1_000_000), 2))


def render(folder: Path, name: str, colour: int = 0, size: int = SIZE) -> str:
    layer = name.replace("copy/", "")
    file = folder / f"{name}_{colour:04d}.png"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(png(pixels(layer, colour, size)))
    return f"{name}_{colour:04d}.png"


def test_it_says_of_every_finding_what_where_and_what_to_do_the_worst_first(tmp_path):
    said = [finding(kind, f"where {at}", f"what {at}", f"do {at}") for at, kind in enumerate(KINDS)]
    text = made(tmp_path, *said).text
    places = [text.index(f"{word} {at}\n") for at in range(len(KINDS)) for word in ("where", "what", "do")]
    assert places == sorted(places)
    assert [text.count(looked_for) for _, looked_for in KINDS.values()] == [2] * len(KINDS)


def test_where_nothing_is_wrong_it_says_so(tmp_path):
    assert "All fine." in made(tmp_path).text


def test_it_needs_no_network_runs_no_script_and_is_dark_where_the_reader_wants_it(tmp_path):
    found = made(tmp_path, finding("opaque layer", "x", "y", "z", files=(render(tmp_path, "t1_neckline_front"),)))
    assert not {tag for tag, _ in found.elements} & {"script", "link", "iframe", "object"}
    assert [one["src"][:5] for one in found.all("img")] == ["data:"]
    policy = [one for one in found.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    assert policy[0]["content"].startswith("default-src 'none'")
    assert "prefers-color-scheme: dark" in found.text


HOSTILE = "<img src=x onerror=alert(1)>\"'{{7*7}}</style></div><script>alert(2)</script>"


def test_names_with_malice_are_only_text(tmp_path):
    name = HOSTILE.replace("/", "")
    (tmp_path / f"{name}.png").write_bytes(png(pixels("t1_neckline_front", 0, 40)))
    found = made(tmp_path, finding("unread name", HOSTILE, HOSTILE, HOSTILE, files=(f"{name}.png",)))
    assert found.text.count(HOSTILE) == 3
    assert [one["alt"] for one in found.all("img")] == [f"{name}.png"]
    assert found.all("script") == []


def test_a_name_that_is_no_text_is_shown_with_escapes(tmp_path):
    found = made(tmp_path, finding("unread name", "a\udce9.png", "x", "y", files=("a\udce9.png",)))
    assert "a\\udce9.png" in found.text
    assert found.all("img") == []


def test_a_picture_is_a_thumbnail_that_keeps_its_transparency(tmp_path):
    (image,) = made(
        tmp_path, finding("opaque layer", "x", "y", "z", files=(render(tmp_path, "t1_neckline_front"),))
    ).images()
    assert image.size == (160, 160)
    alpha = np.array(image.convert("RGBA"))[..., 3]
    assert alpha[0, 0] == 0
    assert alpha.max() > 100


@pytest.mark.parametrize("mode", ["L", "LA", "P", "I;16", "1"])
def test_whatever_kind_of_png_it_is_it_is_shown(tmp_path, mode):
    Image.new(mode, (50, 40), 1).save(tmp_path / "x.png")
    (image,) = made(tmp_path, finding("opaque layer", "x", "y", "z", files=("x.png",))).images()
    assert image.size == (50, 40)


def test_stray_pixels_are_circled_where_they_are_and_the_farthest_is_enlarged(tmp_path):
    picture = pixels("t1_neckline_front", 0, SIZE)
    picture[380:382, 10:12] = (0, 0, 0, 1)  # so faint that nobody would see it
    (tmp_path / "x.png").write_bytes(png(picture))
    found = made(tmp_path, finding("stray pixels", "x", "y", "z", files=("x.png",)))
    circles = [float(one[at]) for one in found.all("circle") for at in ("cx", "cy")]
    assert circles == pytest.approx([11 * 160 / SIZE, 381 * 160 / SIZE] * 2, abs=0.1)  # each with a halo
    thumbnail, enlarged = found.images()
    assert thumbnail.size == (160, 160)
    part = np.array(enlarged)[..., 3] > 0
    assert part.sum() == (2 * 96 / 16) ** 2  # two pixels of sixteen, both ways


def test_colours_that_are_missing_show_those_that_are_there(tmp_path):
    files = [render(tmp_path, "t1_neckline_front", colour) for colour in (0, 3, 5)]
    found = made(tmp_path, finding("missing colour", "t1_neckline_front", "y", "z", files=files))
    assert [one["alt"] for one in found.all("img")] == ["0000", "0003", "0005"]
    assert [one["width"] for one in found.all("img")] == ["72"] * 3


def test_two_files_that_claim_one_layer_stand_side_by_side(tmp_path):
    files = [render(tmp_path, "t1_neckline_front"), render(tmp_path, "copy/t1_neckline_front")]
    found = made(tmp_path, finding("double claim", files[0], "y", "z", files=files))
    assert len(found.images()) == 2


def test_renders_of_other_sizes_are_drawn_to_scale(tmp_path):
    files = [render(tmp_path, "t1_neckline_front", 0, 100), render(tmp_path, "base_neckline_front", 0, SIZE)]
    found = made(tmp_path, finding("other size", files[0], "y", "z", files=files))
    assert [(one["width"], one["height"]) for one in found.all("img")] == [("40", "40"), ("160", "160")]
    assert "100 x 100" in found.text


def test_a_broken_file_is_shown_as_far_as_it_goes_and_what_is_no_picture_is_not(tmp_path):
    whole = png(pixels("b1_bottom_front", 0, SIZE))
    (tmp_path / "half.png").write_bytes(whole[: len(whole) * 2 // 3])
    (tmp_path / "none.png").write_bytes(b"GIF89a, honestly")
    huge = bytearray(whole)
    huge[16:24] = b"\0\0\xff\xff\0\0\xff\xff"  # what it says it is has too many pixels
    (tmp_path / "huge.png").write_bytes(huge)
    names = ("half.png", "none.png", "huge.png", "gone.png")
    found = made(tmp_path, *(finding("broken file", name, "y", "z", files=(name,)) for name in names))
    assert [one["alt"] for one in found.all("img")] == ["half.png"]
    assert all(name in found.text for name in names)


def test_a_page_has_so_many_pictures_and_findings_at_most_and_says_how_many_more_there_are(tmp_path):
    file = render(tmp_path, "t1_neckline_front", 0, 20)
    said = [finding("opaque layer", f"where {at}.", "y", "z", files=(file,)) for at in range(MOST_FINDINGS + 7)]
    found = made(tmp_path, *said)
    assert len(found.all("img")) == MOST
    assert "800 more renders are named above without a picture" in found.text
    assert "And 7 more findings" in found.text
    assert f"where {MOST_FINDINGS - 1}." in found.text
    assert f"where {MOST_FINDINGS}." not in found.text
