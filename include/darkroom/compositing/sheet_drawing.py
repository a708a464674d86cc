"""Draws a contact sheet from proxies."""

import io
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from textwrap import wrap

from PIL import Image, ImageDraw, ImageFont

from darkroom.amounts import counted
from darkroom.compositing.contact_sheet import ContactSheet, Tile
from darkroom.errors import StoreError
from darkroom.store import Store

TILE = 200
"""Pixels of a tile's side, without its label."""
_COLUMNS, _GAP, _LINE, _LINES, _LETTERS = 6, 8, 14, 3, 32
_LARGEST = 1600
"""Pixels of a side of what is taken for a proxy, which has 800."""
_PAPER, _INK, _FAINT, _ODD = "#ffffff", "#1a1a1a", "#f1f1f1", "#b3261e"
_QUALITY = 88


def draw(sheet: ContactSheet, store: Store) -> bytes:
    """The sheet as a JPEG, from the proxies in `store`; a tile of which one is missing says so in its place."""
    wanted = list(dict.fromkeys(key for tile in sheet.tiles for key in tile.proxies))
    with ThreadPoolExecutor(min(store.concurrency, 16), "proxies") as pool:
        proxies = dict(zip(wanted, pool.map(lambda key: _small(store, key), wanted), strict=True))
    columns = min(_COLUMNS, len(sheet.tiles))
    rows = -(-len(sheet.tiles) // columns)
    width, height = TILE + _GAP, TILE + _LINES * _LINE + _GAP
    note = f"{counted(sheet.beyond, 'more layer')} in none of these pictures." if sheet.beyond else ""
    paper = Image.new("RGB", (columns * width + _GAP, rows * height + _GAP + (_LINE + _GAP if note else 0)), _PAPER)
    for at, tile in enumerate(sheet.tiles):
        _draw_tile(paper, tile, proxies, _GAP + at % columns * width, _GAP + at // columns * height)
    if note:
        _write(paper, _GAP, paper.height - _GAP - _LINE, [note], _INK)
    data = io.BytesIO()
    paper.save(data, "JPEG", quality=_QUALITY, optimize=True)
    return data.getvalue()


def _draw_tile(paper: Image.Image, tile: Tile, proxies: Mapping[str, Image.Image | None], left: int, top: int) -> None:
    box = (left, top, left + TILE, top + TILE)
    missing = [key for key in tile.proxies if proxies[key] is None]
    if missing:
        ImageDraw.Draw(paper).rectangle(box, fill=_FAINT)
        names = [line for key in missing for line in _lines(key.rpartition("/")[2])]
        _write(paper, left + _GAP, top + _GAP, ["no proxy of", *names][: TILE // _LINE - 1], _ODD)
    else:
        picture = Image.new("RGBA", (TILE, TILE))
        for proxy in (proxies[key] for key in tile.proxies):
            if proxy:  # those of one stack have one size
                picture.alpha_composite(proxy, ((TILE - proxy.width) // 2, (TILE - proxy.height) // 2))
        paper.paste(picture, (left, top), picture)
    ImageDraw.Draw(paper).rectangle(box, outline=_ODD if tile.odd else _FAINT, width=2 if tile.odd else 1)
    label = _lines(tile.name)
    _write(paper, left, top + TILE + 2, label[:_LINES], _INK)
    odd = [line for layer in tile.odd for line in _lines(layer)]
    _write(paper, left, top + TILE + 2 + len(label) * _LINE, odd[: max(0, _LINES - len(label))], _ODD)


def _small(store: Store, key: str) -> Image.Image | None:
    """A proxy as a tile shows it; None where it is not there, or is none."""
    try:
        proxy = Image.open(io.BytesIO(store.read(key)), formats=["PNG"])
        if max(proxy.size) > _LARGEST:
            return None
        whole = proxy.convert("RGBA")
    except (StoreError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    scale = TILE / max(whole.size)
    size = (max(1, round(whole.width * scale)), max(1, round(whole.height * scale)))
    return whole.resize(size, Image.Resampling.LANCZOS)


def _lines(text: str) -> list[str]:
    """A name in lines that fit under a tile."""
    return wrap(text, _LETTERS)


def _write(paper: Image.Image, left: int, top: int, lines: Sequence[str], ink: str) -> None:
    ImageDraw.Draw(paper).multiline_text((left, top), "\n".join(lines), fill=ink, font=_FONT, spacing=2)


_FONT = ImageFont.load_default(size=11)
