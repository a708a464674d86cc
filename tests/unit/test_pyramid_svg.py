"""An SVG: read as the XML that it is, all of it in the file, and never larger in memory than was planned."""

import base64
import gzip
from itertools import pairwise
from pathlib import Path

import pytest

from darkroom.failures import DecodeFailed
from darkroom.imaging.drawings import DRAWN
from darkroom.imaging.formats import BEGINNING, Format, format_of
from darkroom.imaging.opening import look, prepare
from darkroom.imaging.source import Source
from darkroom.pyramids.profiles import CAP
from tests import scans

LIMIT = 1_000_000_000
BOX = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {size}>{inner}</svg>'
RED = '<rect width="90" height="70" fill="red"/>'


def drawing(inner: str = RED, size: str = 'width="90" height="70"', before: str = "") -> str:
    return before + BOX.format(inner=inner, size=size)


def found(folder: Path, data: bytes | str, limit: int = LIMIT) -> Source:
    (folder / "a.svg").write_bytes(data if isinstance(data, bytes) else data.encode())
    return look(folder / "a.svg", limit)


def is_red(folder: Path, data: bytes | str) -> bool:
    source = found(folder, data)
    pixels = prepare(source, *CAP.fitted(source.width, source.height)).numpy()
    return bool((pixels[pixels.shape[0] // 2, pixels.shape[1] // 2] == [255, 0, 0, 255]).all())


def declared(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>\n'


ILLUSTRATOR = """<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [
  <!ENTITY ns_svg "http://www.w3.org/2000/svg"> <!ENTITY ns_ai "http://ns.adobe.com/AdobeIllustrator/10.0/">
  <!ENTITY paint "red"> ]>
<svg xmlns="&ns_svg;" xmlns:i="&ns_ai;" width="90" height="70" i:viewOrigin="0 70">
  <rect width="90" height="70" fill="&paint;"/></svg>"""

READ = {
    "plain": drawing(),
    "after a long comment": drawing(before=declared("UTF-8") + "<!-- " + "x" * 9000 + " <html> -->\n"),
    "after long definitions": drawing(before="<!DOCTYPE svg [" + '<!ENTITY a "b">' * 500 + "]>"),
    "UTF-8 with its mark": ("\ufeff" + drawing()).encode(),
    "UTF-16, little end first": ("\ufeff" + drawing(before=declared("UTF-16"))).encode("utf-16-le"),
    "UTF-16, big end first": ("\ufeff" + drawing(before=declared("UTF-16"))).encode("utf-16-be"),
    "UTF-16 without a mark": drawing(before=declared("UTF-16")).encode("utf-16-le"),
    "UTF-32": drawing(before=declared("UTF-32")).encode("utf-32"),
    "Latin-1": drawing(RED + "<text>é</text>", before=declared("ISO-8859-1")).encode("latin-1"),
    "packed": gzip.compress(drawing().encode()),
    "a link": drawing(f'<a href="https://example.org/">{RED}</a>'),
    "an old link": drawing(f'<a xlink:href="https://example.org/">{RED}</a>'),
    "Illustrator's entities": ILLUSTRATOR,
    "W3C's definitions": drawing(
        before='<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.0//EN" "http://www.w3.org/TR/2001/REC-SVG-20010904/DTD/svg10.dtd">'
    ),
    "addresses in its text": drawing(RED + "<desc>url(http://example.org) href='x.png'</desc>"),
    "addresses of metadata": drawing(
        RED
        + '<metadata xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:li r:resource="http://a.example"/></metadata>'
    ),
    "a namespace in its style": drawing("<style>@namespace url(http://www.w3.org/2000/svg);</style>" + RED),
    "a comment in its style": drawing("<style>/* @import url(a.css) */</style>" + RED),
    "what it has itself": drawing(
        '<defs><linearGradient id="g"><stop stop-color="red"/></linearGradient>'
        '<rect id="r" width="90" height="70"/></defs>'
        '<use xlink:href="#r" fill="url(#g)" style="fill: url( \'#g\' )"/>'
    ),
    "a sheet of its own": drawing(RED, before='<?xml-stylesheet type="text/css" href="#own"?>'),
    "a prefix": '<s:svg xmlns:s="http://www.w3.org/2000/svg" width="90" height="70"><s:rect width="90" height="70" '
    'fill="red"/></s:svg>',
}


@pytest.mark.parametrize("kind", READ)
def test_a_drawing_is_drawn_however_it_is_written(kind: str, tmp_path: Path) -> None:
    assert is_red(tmp_path, READ[kind])


def inside(data: bytes, kind: str) -> str:
    return f'<image width="90" height="70" href="data:{kind};base64,{base64.b64encode(data).decode()}"/>'


OUTSIDE = {
    "an image": '<image href="a.png" width="9" height="7"/>',
    "an image by its old name": '<image xlink:href="http://169.254.169.254/latest" width="9" height="7"/>',
    "a part of another": '<use href="other.svg#x"/>',
    "an image of a filter": '<filter id="f"><feImage href="file:///etc/passwd"/></filter>',
    "a style sheet": '<style>@import "a.css";</style>',
    "a font": "<style>@font-face { font-family: a; src: url('https://a.example/a.woff') }</style>",
    "a fill": '<rect fill="url(other.svg#paint)" width="9" height="7"/>',
    "a style": '<rect style="fill: URL( &quot;other.svg#paint&quot; )" width="9" height="7"/>',
    "an entity in an attribute": '<image href="&#104;ttp://a.example/" width="9" height="7"/>',
    "a drawing in it that does": inside(drawing('<image href="a.png"/>').encode(), "image/svg+xml"),
}


@pytest.mark.parametrize("what", OUTSIDE)
def test_what_is_not_in_the_file_is_refused(what: str, tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed, match="refers to something outside of itself"):
        found(tmp_path, drawing(OUTSIDE[what]))


@pytest.mark.parametrize(
    "before",
    [
        '<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE svg [<!ENTITY x PUBLIC "x" "http://a.example/">]>',
        "<!DOCTYPE svg [<!ENTITY % x \"<!ENTITY y 'z'>\"> %x;]>",
        '<!DOCTYPE svg SYSTEM "http://a.example/a.dtd">',
        '<?xml-stylesheet href="a.css"?>',
    ],
)
def test_what_is_defined_elsewhere_is_refused(before: str, tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed, match="refers to something outside of itself"):
        found(tmp_path, drawing(before=before))


def test_what_refers_outside_in_another_encoding_is_refused_too(tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed, match="refers to something outside of itself"):
        found(tmp_path, drawing(OUTSIDE["an image"]).encode("utf-16"))


def test_entities_that_multiply_are_refused(tmp_path: Path) -> None:
    names = "abcdefghij"
    laughs = "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in pairwise(names))
    bomb = f'<!DOCTYPE svg [<!ENTITY a "{"x" * 1000}">{laughs}]>' + drawing("<text>&j;</text>")
    with pytest.raises(DecodeFailed, match="cannot be read"):
        found(tmp_path, bomb)


def test_what_unpacks_to_too_much_or_not_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed, match="more than 32 MiB"):
        found(tmp_path, gzip.compress(drawing(RED + " " * (40 << 20)).encode()))
    with pytest.raises(DecodeFailed, match="cut short"):
        found(tmp_path, gzip.compress(drawing(RED + "<!-- a long comment -->").encode())[:-20])


@pytest.mark.parametrize(
    ("beginning", "reason"),
    [
        (b"<!DOCTYPE html><html><body><svg>", "it is a web page"),
        (b"<html><svg></svg></html>", "it is a web page"),
        (gzip.compress(b"no drawing", mtime=0), "it is a gzip archive"),
        (b'<?xml version="1.0"?><kml><svg/></kml>', "it is no image"),
    ],
)
def test_what_only_holds_a_drawing_is_none(beginning: bytes, reason: str) -> None:
    with pytest.raises(DecodeFailed, match=reason):
        format_of(beginning[:BEGINNING])


@pytest.mark.parametrize(
    "beginning",
    [
        "<!doctype html><title>404",
        "<!DocType\r\n HTML PUBLIC '-//W3C//DTD HTML 4.01//EN'>",
        "<HTML lang=en>",
        "<head><title>Moved",
        "<Body>",
        " \t\r\n<!doctype html>",
        "<!-- saved from a.example --> <!-- twice -->\n<!doctype html>",
        "<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN'><html>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_a_web_page_is_seen_in_any_case_and_encoding_and_behind_blanks_and_comments(
    beginning: str, encoding: str
) -> None:
    with pytest.raises(DecodeFailed, match=r"^it is a web page and no image$"):
        format_of(beginning.encode(encoding))


@pytest.mark.parametrize("beginning", ["<header>", "<!-- <html> --><kml/>", "see <html>", "<!doctype xhtml>"])
def test_what_only_speaks_of_one_is_no_web_page(beginning: str) -> None:
    with pytest.raises(DecodeFailed, match="it is no image of a kind"):
        format_of(beginning.encode())


def test_xml_whose_first_element_comes_late_may_be_something_else(tmp_path: Path) -> None:
    late = b"<!--" + b"x" * 9000 + b"--><kml/>"
    assert format_of(late[:BEGINNING]) == Format.SVG
    with pytest.raises(DecodeFailed, match="an XML file of 'kml' and no image"):
        found(tmp_path, late)


def test_an_embedded_image_is_drawn_and_a_damaged_one_refused(tmp_path: Path) -> None:
    jpeg = scans.picture(90, 70).jpegsave_buffer()
    source = found(tmp_path, drawing(inside(jpeg, "image/jpeg")))
    assert abs(prepare(source, source.width, source.height).numpy()[..., :3].mean() - 127) < 5
    with pytest.raises(DecodeFailed, match="embedded in it cannot be decoded"):
        found(tmp_path, drawing(inside(jpeg[: len(jpeg) * 4 // 5] + b"\xff\xd9", "image/jpeg")))
    with pytest.raises(DecodeFailed, match="embedded in it has 90 x 70 pixels, more than"):
        found(tmp_path, drawing(inside(jpeg, "image/jpeg")), limit=6299)
    with pytest.raises(DecodeFailed, match="embedded in it have 12,600 pixels, more than"):
        found(tmp_path, drawing(2 * inside(jpeg, "image/jpeg")), limit=12599)


@pytest.mark.parametrize(
    ("size", "pixels"),
    [
        ('width="90" height="70"', (375, 292)),
        ('viewBox="0 0 90 70"', (375, 292)),
        ('width="100%" height="100%" viewBox="0 0 90 70"', (375, 292)),
        ('width="1in" height="2in"', (300, 600)),
        ('width="25.4mm" height="2.54cm"', (300, 300)),
        ('width="72pt" height="72pt"', (300, 300)),
        ('width="-9" height="70" viewBox="0 0 90 70"', (375, 292)),
        ('width="NaN" height="70" viewBox="0 0 90 70"', (375, 292)),
    ],
)
def test_a_drawing_is_as_large_as_it_says(size: str, pixels: tuple[int, int], tmp_path: Path) -> None:
    source = found(tmp_path, drawing(size=size))
    assert abs(source.width - pixels[0]) <= 1
    assert abs(source.height - pixels[1]) <= 1


@pytest.mark.parametrize("size", ['width="0" height="70"', 'viewBox="0 0 0 0"'])
def test_a_drawing_without_a_size_is_refused(size: str, tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed, match="cannot be drawn"):
        found(tmp_path, drawing(size=size))


@pytest.mark.parametrize("size", ['width="1e9" height="1e9"', 'width="1e9" height="10"', 'width="10" height="3e8"'])
def test_a_drawing_that_is_larger_than_libvips_counts_is_refused(size: str, tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed, match=r"many million pixels|cannot be drawn"):
        found(tmp_path, drawing(size=size))


@pytest.mark.parametrize(
    ("size", "pixels"), [('width="9e6" height="9e6"', (4000, 4000)), ('width="9e6" height="90000"', (4000, 40))]
)
def test_no_drawing_is_drawn_larger_than_it_may_be(size: str, pixels: tuple[int, int], tmp_path: Path) -> None:
    source = found(tmp_path, drawing(size=size))
    image = prepare(source, *CAP.fitted(source.width, source.height))
    assert (image.width, image.height) == pixels


def test_what_it_takes_is_said(tmp_path: Path) -> None:
    small = found(tmp_path, drawing()).held
    assert DRAWN < small < DRAWN + 10_000
    assert found(tmp_path, drawing(RED + "<!--" + "x" * 1_000_000 + "-->")).held > small + 50_000_000


def test_html_within_a_drawing_is_noted(tmp_path: Path) -> None:
    inner = RED + '<foreignObject width="9" height="9"><p xmlns="http://www.w3.org/1999/xhtml">a</p></foreignObject>'
    assert found(tmp_path, drawing(inner)).notes == ("It holds a foreignObject, which is not drawn.",)
