"""What the page's scripts offer and draw is what the library does: for every combination there is."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page

from darkroom.catalogue.build import build
from darkroom.jobs import dump
from darkroom.sample import layer_names
from darkroom.styles.exports import length_in_name, parse_export
from darkroom.styles.importing import import_style
from darkroom.styles.names import SIDES
from darkroom.styles.options import enumerate_combinations
from darkroom.styles.stacks import Resolver
from darkroom.styles.style import Style
from darkroom.styles.style_file import load_style
from tests.dags.pages.conftest import Open
from tests.dags.pages.world import SAMPLE
from tests.integration.test_fame import FAME
from tests.integration.test_fame import pytestmark as needs_fame

_ASK = """async ([catalogue, slug, combinations]) => {
    const {stackOf, lengthOf} = await import(new URL("static/resolve.js", document.baseURI));
    const {against, problemsOf} = await import(new URL("static/options.js", document.baseURI));
    const length = lengthOf(catalogue, slug);
    const known = new Set(combinations.map(codes => [...codes].sort().join("-")));
    const wrong = [];
    const stacks = combinations.map(codes => {
        if (problemsOf(length, codes).length) wrong.push(codes);
        for (const code of length.codes) {
            if (codes.includes(code)) continue;
            const more = [...codes, code];
            const may = against(length, codes, code).length === 0;
            if (may !== known.has([...more].sort().join("-"))) wrong.push(more);
        }
        return catalogue.sides.map(side => stackOf(catalogue, slug, side, codes).map(one => one.layer).join(" "));
    });
    return [wrong.slice(0, 5), stacks];
}"""


def compare(page: Page, style: Style, layers: list[str]) -> int:
    """Ask the scripts about every combination; returns how many there were.

    A combination is offered exactly if it grows code by code from another: each step is asked for.
    """
    proxies = [f"{layer.partition('_')[0]}/{layer}_0000.png" for layer in layers]
    catalogue: dict[str, Any] = json.loads(dump(build(style, proxies)))
    many = 0
    for length in style.length_names:
        combinations = list(enumerate_combinations(style, length))
        wrong, stacks = page.evaluate(_ASK, [catalogue, length, combinations])
        assert wrong == []
        for at, side in enumerate(SIDES):
            resolver = Resolver(style, length, side, layers)
            for codes, both in zip(combinations, stacks, strict=True):
                assert both[at] == " ".join(resolver.stack(codes)), (length, side, codes)
        many += len(combinations)
    return many


def test_the_page_offers_and_draws_every_combination_of_the_sample_style_as_the_library_does(open_page: Open) -> None:
    assert compare(open_page("?style=sample-dress"), SAMPLE, layer_names()) > 200


@pytest.mark.long
@needs_fame
@pytest.mark.parametrize("name", sorted(path.stem for path in (FAME / "styles").glob("*.json")))
def test_the_page_offers_and_draws_every_combination_of_a_real_style(open_page: Open, name: str) -> None:
    base = load_style((FAME / "styles" / f"{name}.json").read_bytes(), name)
    exports = {}
    for path in sorted((FAME / "combinations").glob(f"{name.upper()}*.csv")):
        rows, _ = parse_export(path.read_bytes(), path.name)
        exports[length_in_name(path.name, base.length_spellings()) or ""] = rows
    layers = sorted(
        {one for rows in exports.values() for row in rows for stack in row.stacks.values() for one in stack}
    )
    style = load_style(import_style(base, exports).encode(), "imported.yaml")
    assert compare(open_page("?style=sample-dress"), style, layers) > 500
