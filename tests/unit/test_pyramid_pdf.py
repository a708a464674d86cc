"""The first page of a PDF: all of it is drawn, or it is refused; and nothing in it takes more than was planned."""

import base64
import zlib
from pathlib import Path

import numpy as np
import pypdfium2
import pytest

from darkroom.failures import DecodeFailed
from darkroom.imaging.drawings import DRAWN
from darkroom.imaging.opening import look, prepare
from darkroom.imaging.readers import pdf, pdf_streams, pdf_walk
from darkroom.imaging.source import Source
from darkroom.pyramids.make import make_pyramid
from darkroom.pyramids.profiles import CAP, PROFILES
from tests import pdfs, scans

LIMIT = 1_000_000_000
RED, WHITE = [255, 0, 0], [255, 255, 255]


def found(folder: Path, data: bytes, limit: int = LIMIT) -> Source:
    (folder / "a.pdf").write_bytes(data)
    return look(folder / "a.pdf", limit)


def drawn(folder: Path, data: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    source = found(folder, data)
    return prepare(source, *CAP.fitted(source.width, source.height)).numpy()


WHOLE = {
    "JPEG": lambda: pdfs.scan(pdfs.RGB + b"/Filter/DCTDecode", pdfs.jpeg()),
    "JPEG in ASCII85": lambda: pdfs.scan(
        pdfs.RGB + b"/Filter[/ASCIIHexDecode/DCTDecode]", pdfs.jpeg().hex().encode() + b">"
    ),
    "JPEG 2000": lambda: pdfs.scan(b"/Filter/JPXDecode", pdfs.jpeg_2000()),
    "deflate": lambda: pdfs.scan(pdfs.RGB + b"/Filter/FlateDecode", pdfs.flate()),
    "deflate without its sum": lambda: pdfs.scan(pdfs.RGB + b"/Filter/FlateDecode", pdfs.flate()[:-4]),
    "LZW": lambda: pdfs.scan(pdfs.RGB + b"/Filter/LZWDecode", pdfs.lzw(pdfs.samples())),
    "deflate in ASCII85": lambda: pdfs.scan(
        pdfs.RGB + b"/Filter[/ASCII85Decode/FlateDecode]", base64.a85encode(pdfs.flate()) + b"~>"
    ),
    "deflate, predicted": lambda: pdfs.scan(
        pdfs.RGB + b"/Filter/FlateDecode" + pdfs.PREDICTED, zlib.compress(pdfs.predicted())
    ),
    "LZW, predicted": lambda: pdfs.scan(pdfs.RGB + b"/Filter/LZWDecode" + pdfs.PREDICTED, pdfs.lzw(pdfs.predicted())),
    "run lengths": lambda: pdfs.scan(pdfs.RGB + b"/Filter/RunLengthDecode", pdfs.runs(pdfs.samples())),
    "by a name that is no UTF-8": lambda: pdfs.page(
        pdfs.FILL.replace(b"Im0", b"\xb4\xe1"),
        pdfs.IMAGE.replace(b"Im0", b"#b4#e1"),
        [pdfs.image(pdfs.RGB, pdfs.samples())],
    ),
    "not packed": lambda: pdfs.scan(pdfs.RGB, pdfs.samples()),
    "ICC": lambda: pdfs.page(
        pdfs.FILL,
        pdfs.IMAGE,
        [
            pdfs.image(b"/BitsPerComponent 8/ColorSpace[/ICCBased 6 0 R]", pdfs.samples()),
            pdfs.stream(b"/N 3/Alternate/DeviceRGB", b"none"),
        ],
    ),
    "in a form": lambda: pdfs.page(
        b"/Fm Do",
        b"/XObject<</Fm 6 0 R>>",
        [pdfs.image(pdfs.RGB + b"/Filter/DCTDecode", pdfs.jpeg()), pdfs.form(pdfs.FILL, pdfs.IMAGE)],
    ),
    "inline": lambda: pdfs.inline(b"/CS /RGB /BPC 8", pdfs.samples()),
    "inline deflate": lambda: pdfs.inline(b"/CS /RGB /BPC 8 /F /Fl", pdfs.flate()),
    "inline JPEG": lambda: pdfs.inline(b"/CS /RGB /BPC 8 /F /DCT", pdfs.jpeg()),
}


@pytest.mark.parametrize("kind", WHOLE)
def test_an_image_on_a_page_is_drawn_however_it_is_packed(kind: str, tmp_path: Path) -> None:
    page = drawn(tmp_path, WHOLE[kind]())
    assert page.shape == (300, 600, 3)
    right = scans.picture(pdfs.WIDTH, pdfs.HEIGHT).resize(6, kernel="nearest").numpy().astype(float)
    assert np.abs(page - right).mean() < 4


FAXES = {
    "group 4": lambda: pdfs.scan(pdfs.GREY + b"/Filter/CCITTFaxDecode" + pdfs.G4, pdfs.fax()),
    "group 3": lambda: pdfs.scan(
        pdfs.GREY + b"/Filter/CCITTFaxDecode/DecodeParms<</K 0/EndOfLine true/Columns 100>>", pdfs.fax("group3")
    ),
    "inline": lambda: pdfs.inline(b"/CS /G /BPC 1 /F /CCF /DP <</K -1 /Columns 100 /Rows 50>>", pdfs.fax()),
    "JBIG2": lambda: pdfs.scan(pdfs.GREY + b"/Filter/JBIG2Decode", pdfs.jbig2()),
}


@pytest.mark.parametrize("kind", FAXES)
def test_a_scan_of_one_bit_is_drawn(kind: str, tmp_path: Path) -> None:
    # what a TIFF's strip has as 0 is white in it, and black in a PDF's or JBIG2's; only that half is black counts
    assert np.abs(drawn(tmp_path, FAXES[kind]()).mean() - 127.5) < 3


DAMAGED = {
    "JPEG cut short": lambda: pdfs.scan(pdfs.RGB + b"/Filter/DCTDecode", pdfs.half(pdfs.jpeg())),
    "JPEG cut short with its end put back": lambda: pdfs.scan(
        pdfs.RGB + b"/Filter/DCTDecode", pdfs.half(pdfs.jpeg()) + b"\xff\xd9"
    ),
    "JPEG partly zeroed": lambda: pdfs.scan(pdfs.RGB + b"/Filter/DCTDecode", pdfs.zeroed(pdfs.jpeg())),
    "no JPEG": lambda: pdfs.scan(pdfs.RGB + b"/Filter/DCTDecode", b"no JPEG at all"),
    "JPEG 2000 cut short": lambda: pdfs.scan(b"/Filter/JPXDecode", pdfs.half(pdfs.jpeg_2000())),
    "group 4 cut short": lambda: pdfs.scan(pdfs.GREY + b"/Filter/CCITTFaxDecode" + pdfs.G4, pdfs.half(pdfs.fax())),
    "group 4 partly zeroed": lambda: pdfs.scan(
        pdfs.GREY + b"/Filter/CCITTFaxDecode" + pdfs.G4, pdfs.zeroed(pdfs.fax())
    ),
    "group 3 cut short": lambda: pdfs.scan(
        pdfs.GREY + b"/Filter/CCITTFaxDecode/DecodeParms<</K 0/EndOfLine true/Columns 100>>",
        pdfs.half(pdfs.fax("group3")),
    ),
    "JBIG2 cut short": lambda: pdfs.scan(pdfs.GREY + b"/Filter/JBIG2Decode", pdfs.half(pdfs.jbig2())),
    "no JBIG2": lambda: pdfs.scan(pdfs.GREY + b"/Filter/JBIG2Decode", bytes(11)),
    "deflate cut short": lambda: pdfs.scan(pdfs.RGB + b"/Filter/FlateDecode", pdfs.half(pdfs.flate())),
    "deflate partly zeroed": lambda: pdfs.scan(pdfs.RGB + b"/Filter/FlateDecode", pdfs.zeroed(pdfs.flate())),
    "deflate with another's sum": lambda: pdfs.scan(pdfs.RGB + b"/Filter/FlateDecode", pdfs.flate()[:-4] + b"none"),
    "deflate, predicted, of too little": lambda: pdfs.scan(
        pdfs.RGB + b"/Filter/FlateDecode" + pdfs.PREDICTED, zlib.compress(pdfs.predicted()[:-1])
    ),
    "LZW, predicted, of too little": lambda: pdfs.scan(
        pdfs.RGB + b"/Filter/LZWDecode" + pdfs.PREDICTED, pdfs.lzw(pdfs.predicted()[:-1])
    ),
    "hexadecimal text with what is none": lambda: pdfs.scan(
        pdfs.RGB + b"/Filter[/ASCIIHexDecode/DCTDecode]", b"\xf7" + pdfs.jpeg().hex().encode() + b">"
    ),
    "by a filter that is no UTF-8": lambda: pdfs.scan(pdfs.RGB + b"/Filter/Foo#b4", pdfs.flate()),
    "behind what looks like another": lambda: pdfs.page(
        b"ID " + pdfs.FILL, pdfs.IMAGE, [pdfs.image(pdfs.RGB, pdfs.half(pdfs.samples()))]
    ),
    "inline without an end": lambda: pdfs.page(b"BI /W 100 /H 50 /CS /RGB /BPC 8 ID " + pdfs.half(pdfs.samples())),
    "deflate of too little": lambda: pdfs.scan(
        pdfs.RGB + b"/Filter/FlateDecode", zlib.compress(pdfs.half(pdfs.samples()))
    ),
    "LZW of too little": lambda: pdfs.scan(pdfs.RGB + b"/Filter/LZWDecode", pdfs.lzw(pdfs.half(pdfs.samples()))),
    "samples cut short": lambda: pdfs.scan(pdfs.RGB, pdfs.half(pdfs.samples())),
    "unknown filter": lambda: pdfs.scan(pdfs.RGB + b"/Filter/FooDecode", pdfs.flate()),
    "unknown colours": lambda: pdfs.scan(b"/ColorSpace/Foo/BitsPerComponent 8/Filter/DCTDecode", pdfs.jpeg()),
    "seven bits": lambda: pdfs.scan(
        b"/ColorSpace/DeviceRGB/BitsPerComponent 7/Filter/FlateDecode", zlib.compress(pdfs.samples())
    ),
    "its mask cut short": lambda: pdfs.page(
        pdfs.FILL,
        pdfs.IMAGE,
        [
            pdfs.image(pdfs.RGB + b"/Filter/DCTDecode/SMask 6 0 R", pdfs.jpeg()),
            pdfs.image(b"/ColorSpace/DeviceGray/BitsPerComponent 8", bytes(99)),
        ],
    ),
    "not there": lambda: pdfs.page(pdfs.FILL, b"/XObject<</Im0 99 0 R>>"),
    "not in the resources": lambda: pdfs.page(pdfs.FILL),
    "cut short in a form": lambda: pdfs.page(
        b"/Fm Do",
        b"/XObject<</Fm 6 0 R>>",
        [pdfs.image(pdfs.RGB + b"/Filter/DCTDecode", pdfs.half(pdfs.jpeg())), pdfs.form(pdfs.FILL, pdfs.IMAGE)],
    ),
    "cut short in a pattern": lambda: pdfs.page(
        b"/Pattern cs /P scn 0 0 144 72 re f",
        b"/Pattern<</P 6 0 R>>",
        [
            pdfs.image(pdfs.RGB + b"/Filter/DCTDecode", pdfs.half(pdfs.jpeg())),
            pdfs.stream(
                b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 144 72]/XStep 144/YStep 72"
                b"/Resources<</XObject<</Im0 5 0 R>>>>",
                pdfs.FILL,
            ),
        ],
    ),
    "cut short in a stamp": lambda: pdfs.annotated(
        b"/Subtype/Stamp/F 4/Rect[0 0 144 72]/AP<</N 6 0 R>>",
        [
            pdfs.form(pdfs.FILL, b"/XObject<</Im0 7 0 R>>"),
            pdfs.image(pdfs.RGB + b"/Filter/DCTDecode", pdfs.half(pdfs.jpeg())),
        ],
    ),
    "inline deflate cut short": lambda: pdfs.inline(b"/CS /RGB /BPC 8 /F /Fl", pdfs.half(pdfs.flate())),
    "inline JPEG cut short": lambda: pdfs.inline(b"/CS /RGB /BPC 8 /F /DCT", pdfs.half(pdfs.jpeg())),
    "inline samples cut short": lambda: pdfs.inline(b"/CS /RGB /BPC 8", pdfs.half(pdfs.samples())),
    "content cut short": lambda: pdfs.page(pdfs.half(zlib.compress(pdfs.RED_HALF * 99)), packed=b"/Filter/FlateDecode"),
    "content of an unknown filter": lambda: pdfs.page(pdfs.RED_HALF, packed=b"/Filter/FooDecode"),
}


@pytest.mark.parametrize("defect", DAMAGED)
def test_a_page_that_is_not_whole_is_refused(defect: str, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(DAMAGED[defect]())
    with pytest.raises(DecodeFailed, match="first page") as caught:
        make_pyramid(look(tmp_path / "a.pdf", LIMIT), tmp_path / "a.tif", PROFILES["deflate"])
    assert str(tmp_path) not in str(caught.value)
    assert not (tmp_path / "a.tif").exists()


def test_a_damaged_image_that_the_page_does_not_show_does_no_harm(tmp_path: Path) -> None:
    data = pdfs.page(pdfs.RED_HALF, pdfs.IMAGE, [pdfs.image(pdfs.RGB + b"/Filter/DCTDecode", b"no JPEG")])
    assert drawn(tmp_path, data)[150, 150].tolist() == RED


STATES = b"/AP<</N<</Yes 6 0 R/Off 7 0 R>>>>"


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        pytest.param(pdfs.field(b"/FT/Tx/V(x)/F 4/AP<</N 6 0 R>>"), RED, id="a field that is filled in"),
        pytest.param(pdfs.field(b"/FT/Btn/V/Yes/AS/Yes/F 4", states=STATES), RED, id="a box that is ticked"),
        pytest.param(pdfs.field(b"/FT/Btn/V/Off/AS/Off/F 4", states=STATES), WHITE, id="a box that is not"),
        pytest.param(pdfs.field(b"/FT/Btn/Ff 32768/V/Yes/AS/Yes/F 4", states=STATES), RED, id="a radio button"),
        pytest.param(pdfs.field(b"/FT/Btn/V/Yes/AS/Yes/F 0", states=STATES), RED, id="not to be printed"),
        pytest.param(pdfs.field(b"/FT/Btn/V/Yes/AS/Yes/F 2", states=STATES), WHITE, id="hidden"),
        pytest.param(pdfs.field(b"/FT/Btn/V/Yes/AS/Yes/F 36", states=STATES), WHITE, id="not to be seen"),
        pytest.param(
            pdfs.annotated(
                b"/Subtype/Stamp/F 4/Rect[0 0 72 72]/AP<</N 6 0 R>>",
                [pdfs.stream(b"/Type/XObject/Subtype/Form/BBox[0 0 72 72]", pdfs.RED_HALF)],
            ),
            RED,
            id="a stamp",
        ),
        pytest.param(
            pdfs.annotated(b"/Subtype/Square/F 4/Rect[0 0 72 72]/IC[1 0 0]"), RED, id="a square without a look"
        ),
    ],
)
def test_forms_and_annotations_are_drawn_as_a_screen_shows_them(data: bytes, colour: list[int], tmp_path: Path) -> None:
    page = drawn(tmp_path, data)
    assert page[150, 150].tolist() == colour
    assert page[150, 450].tolist() == WHITE


@pytest.mark.parametrize("form", [b"/NeedAppearances true", b""])
@pytest.mark.parametrize(
    "entries",
    [
        b"/FT/Tx/V(Hello)/F 4/DA(/Helv 24 Tf 0 g)",
        b"/FT/Ch/Ff 131072/Opt[(aa)(bb)]/V(bb)/F 4/DA(/Helv 24 Tf 0 g)",
        b"/FT/Btn/V/Yes/AS/Yes/F 4/MK<</CA(4)>>/DA(/ZaDb 0 Tf 0 g)",
    ],
)
def test_a_field_without_a_look_is_given_one(entries: bytes, form: bytes, tmp_path: Path) -> None:
    page = drawn(tmp_path, pdfs.field(entries, form=form))
    assert (page[:, :300] < 64).any()
    assert (page[:, 310:] == 255).all()


def test_a_form_of_xfa_is_refused_where_nothing_else_is_there_and_noted_where_it_is(tmp_path: Path) -> None:
    xfa = b"/AcroForm<</Fields[]/XFA 5 0 R>>"
    noted = pdfs.page(objects=[pdfs.stream(b"", b"<x/>")], catalogue=xfa)
    assert found(tmp_path, noted).notes == ("Its form is drawn without what XFA adds to it.",)
    with pytest.raises(DecodeFailed, match="XFA form"):
        found(tmp_path, pdfs.page(objects=[pdfs.stream(b"", b"<x/>")], catalogue=xfa + b"/NeedsRendering true"))


def test_scripts_never_run() -> None:
    assert not {"V8", "XFA"} & set(pypdfium2.PDFIUM_INFO.flags)  # there is nothing that could run them


@pytest.mark.parametrize(
    ("entries", "box", "size"),
    [
        (b"/UserUnit 2.5", b"0 0 144 72", (1500, 750)),
        (b"/UserUnit 0", b"0 0 144 72", (600, 300)),
        (b"/UserUnit -3", b"0 0 144 72", (600, 300)),
        (b"/Rotate 90", b"0 0 144 72", (300, 600)),
        (b"/Rotate 90/UserUnit 2", b"0 0 144 72", (600, 1200)),
        (b"/CropBox[0 0 72 36]", b"0 0 144 72", (300, 150)),
        (b"", b"144 72 0 0", (600, 300)),
        (b"", b"-72 -36 72 36", (600, 300)),
    ],
)
def test_a_page_is_as_large_as_it_says(entries: bytes, box: bytes, size: tuple[int, int], tmp_path: Path) -> None:
    source = found(tmp_path, pdfs.page(entries=entries, box=box))
    assert (source.width, source.height) == size


@pytest.mark.parametrize(
    ("entries", "box"), [(b"", b"0 0 0 72"), (b"", b"9 9 9 9"), (b"/CropBox[999 999 1099 1099]", b"0 0 144 72")]
)
def test_a_page_without_a_size_is_refused(entries: bytes, box: bytes, tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed, match="no size"):
        found(tmp_path, pdfs.page(entries=entries, box=box))


@pytest.mark.parametrize(
    ("box", "size"),
    [(b"0 0 1 700000000", (4000, 1)), (b"0 0 700000000 1", (1, 4000)), (b"0 0 99999 99999", (4000, 4000))],
)
def test_no_page_is_drawn_larger_than_it_may_be(box: bytes, size: tuple[int, int], tmp_path: Path) -> None:
    assert drawn(tmp_path, pdfs.page(box=box)).shape[:2] == size


def test_what_it_takes_to_draw_is_said(tmp_path: Path) -> None:
    size, pixels = 9000 * 8000, pdfs.jpeg()
    empty = found(tmp_path, pdfs.page()).held
    assert DRAWN <= empty < DRAWN + 10_000
    scan = pdfs.page(pdfs.FILL, pdfs.IMAGE, [pdfs.image(pdfs.RGB + b"/Filter/DCTDecode", pixels, (9000, 8000))])
    assert found(tmp_path, scan).held >= DRAWN + 6 * size
    jpx = pdfs.page(pdfs.FILL, pdfs.IMAGE, [pdfs.image(b"/Filter/JPXDecode", pdfs.jpeg_2000(), (9000, 8000))])
    assert found(tmp_path, jpx).held >= DRAWN + 16 * size
    with pytest.raises(DecodeFailed, match="9,000 x 8,000 pixels, more than DARKROOM_MAX_SCAN_PIXELS"):
        found(tmp_path, scan, limit=size - 1)


def test_forms_that_multiply_are_refused(tmp_path: Path) -> None:
    forms = [pdfs.form(b"/F Do " * 10, b"/XObject<</F %d 0 R>>" % number) for number in range(6, 18)]
    bomb = pdfs.page(b"/F Do", b"/XObject<</F 5 0 R>>", [*forms, pdfs.form(pdfs.RED_HALF)])
    with pytest.raises(DecodeFailed, match="more than 1,000,000 forms"):
        found(tmp_path, bomb)


def test_a_form_that_draws_itself_is_drawn(tmp_path: Path) -> None:
    data = pdfs.page(b"/F Do", b"/XObject<</F 5 0 R>>", [pdfs.form(pdfs.RED_HALF + b" /F Do", b"/XObject<</F 5 0 R>>")])
    assert drawn(tmp_path, data)[150, 150].tolist() == RED


def test_a_page_that_takes_for_ever_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "_LONGEST", 0.0)
    with pytest.raises(DecodeFailed, match="more than 0 seconds to draw"):
        drawn(tmp_path, pdfs.page(pdfs.RED_HALF * 20_000))


def test_a_content_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed, match="unpacks to more than 256 MiB"):
        found(tmp_path, pdfs.page(zlib.compress(bytes(300 << 20)), packed=b"/Filter/FlateDecode"))


def test_run_lengths_end_where_their_end_is_marked(tmp_path: Path) -> None:
    data = pdfs.runs(pdfs.half(pdfs.samples())) + pdfs.runs(pdfs.samples())
    with pytest.raises(DecodeFailed, match="7,500 bytes of 15,000"):
        drawn(tmp_path, pdfs.scan(pdfs.RGB + b"/Filter/RunLengthDecode", data))


def test_a_content_of_nothing_but_faults_is_refused(tmp_path: Path) -> None:
    assert found(tmp_path, pdfs.page(b") " * 500 + pdfs.RED_HALF)).held
    with pytest.raises(DecodeFailed, match="its content cannot be read"):
        found(tmp_path, pdfs.page(b") " * 5000 + pdfs.FILL))


def test_a_content_by_lzw_that_may_unpack_to_too_much_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DecodeFailed, match="first page is packed by LZW"):
        found(tmp_path, pdfs.page(bytes(300_000), packed=b"/Filter/LZWDecode"))


def test_contents_together_unpack_to_no_more_than_one_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_streams, "LARGEST", 1 << 20)
    forms = [pdfs.form(b" " * 600_000) for _ in range(2)]
    assert found(tmp_path, pdfs.page(b"/A Do", b"/XObject<</A 5 0 R>>", forms)).held
    with pytest.raises(DecodeFailed, match="unpacks to more than 1 MiB"):
        found(tmp_path, pdfs.page(b"/A Do /B Do", b"/XObject<</A 5 0 R/B 6 0 R>>", forms))


@pytest.mark.parametrize("content", [b"1 " * 2000, b"BI " + b"/A " * 2000, b"/A gs " * 2000])
def test_what_a_content_may_have_is_bounded(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf_walk, "_MOST_READ", 1000)
    with pytest.raises(DecodeFailed, match="first page"):
        found(tmp_path, pdfs.page(content))


def test_a_password_that_is_empty_opens_a_file_and_another_does_not(tmp_path: Path) -> None:
    assert drawn(tmp_path, pdfs.locked(b""))[150, 150].tolist() == RED
    with pytest.raises(DecodeFailed, match="needs a password"):
        found(tmp_path, pdfs.locked(b"secret"))


def test_only_the_first_of_many_pages_is_read(tmp_path: Path) -> None:
    count = 20_000
    kids = b" ".join(b"%d 0 R" % (3 + number) for number in range(count))
    pages = [b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 144 72]>>", *[b"<</Type/Page/Parent 2 0 R>>"] * (count - 1)]
    data = pdfs.document(
        [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, count), *pages]
    )
    assert found(tmp_path, data).notes == ("It has 20,000 pages; only the first one is shown.",)
