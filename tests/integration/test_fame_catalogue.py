"""Catalogues of a real studio's styles, imported from all of their exports, and a front end of its own beside them."""

import json

import pytest

from darkroom.catalogue.build import build
from darkroom.catalogue.schema import schema
from darkroom.jobs import dump
from darkroom.styles.exports import length_in_name, parse_export
from darkroom.styles.importing import import_style
from darkroom.styles.names import SIDES
from darkroom.styles.options import enumerate_combinations
from darkroom.styles.resolving import in_layering_order
from darkroom.styles.style_file import load_style
from tests.catalogue_reader import Reader
from tests.integration.test_fame import FAME
from tests.integration.test_fame import pytestmark as needs_fame

pytestmark = [needs_fame, pytest.mark.long]

STYLES = sorted(path.stem for path in (FAME / "styles").glob("*.json"))


@pytest.mark.parametrize("name", STYLES)
def test_a_catalogue_alone_offers_and_draws_every_combination_of_a_real_style(name):
    base = load_style((FAME / "styles" / f"{name}.json").read_bytes(), name)
    exports = {}
    for path in sorted((FAME / "combinations").glob(f"{name.upper()}*.csv")):
        length = length_in_name(path.name, base.length_spellings())
        exports[length], problems = parse_export(path.read_bytes(), path.name)
        assert length
        assert not problems
    layers = {name for rows in exports.values() for row in rows for stack in row.stacks.values() for name in stack}
    style = load_style(import_style(base, exports).encode(), "imported.yaml")
    proxies = [f"{layer.partition('_')[0]}/{layer}_{colour:04d}.png" for layer in layers for colour in range(18)]
    catalogue = json.loads(dump(build(style, proxies)))
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.validate(catalogue, json.loads(schema()))
    for length, rows in exports.items():
        reader = Reader(catalogue, length)
        assert all(reader.is_valid(codes) for codes in enumerate_combinations(style, length))
        for row in rows:
            assert reader.is_valid(row.codes)
            codes = in_layering_order(style, length, row.codes)
            for side in SIDES:
                assert tuple(reader.stack(side, codes)) == row.stacks[side], (length, side, codes)
