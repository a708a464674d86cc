"""The catalogue: from it alone a front end of its own decides and draws as Darkroom does."""

import json
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from darkroom import keys
from darkroom.catalogue.build import build
from darkroom.catalogue.model import Catalogue
from darkroom.catalogue.published import publish, read
from darkroom.catalogue.schema import schema
from darkroom.errors import BadInput, Conflict
from darkroom.jobs import dump, parse
from darkroom.sample import layer_names, style_text
from darkroom.store import open_store
from darkroom.styles.names import SIDES, parse_layer
from darkroom.styles.options import enumerate_combinations
from darkroom.styles.stacks import Resolver
from darkroom.styles.style import Moved, Option, RuleException, Style
from darkroom.styles.style_file import load_style
from tests.catalogue_reader import Reader
from tests.renders import draw, pixels, png

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "catalogue.schema.json"
LENGTHS = {"mini": "Mini", "knee": "Knee"}
CODES = ("t1", "t2", "b1", "a1", "a2")
LAYERS = sorted(
    f"{name}_{side}"
    for side in SIDES
    for name in (
        *("base_neckline", "base_mini_bottom", "base_knee_bottom", "t1_neckline", "t2_neckline", "t2_for_t1_neckline"),
        *("b1_mini_bottom", "b1_for_t1_mini_bottom", "b1_for_t1_knee_bottom", "b1_for_base_knee_bottom", "b1_belt"),
        *("b1_for_t1_belt", "b1_for_t1_default_belt"),
        *("a1_infront", "a1_behind", "a2_infront", "a2_behind", "a2_for_b1_infront", "a1_for_a2_t1_infront"),
    )
    if (name, side) not in {("b1_for_t1_mini_bottom", "back"), ("a2_for_b1_infront", "front")}
)


def proxies_of(layers, colours=1) -> list[str]:
    return [f"{name.split('_')[0]}/{name}_{colour:04d}.png" for name in layers for colour in range(colours)]


def style_of(**more: object) -> Style:
    defaults = {
        name: {side: {"bottom": f"base_{slug}_bottom_{side}", "neckline": f"base_neckline_{side}"} for side in SIDES}
        for slug, name in LENGTHS.items()
    }
    words = {"style": "dress", "colours": 2, "lengths": LENGTHS, "customizations": CODES, "defaults": defaults} | more
    return Style.model_validate(words)


def as_read(catalogue: Catalogue) -> dict:
    return json.loads(dump(catalogue))


def require_the_same(style: Style, layers, sets=None) -> int:
    """Draw everything twice; returns how many stacks that were."""
    catalogue, drawn = as_read(build(style, proxies_of(layers))), 0
    for length in style.length_names:
        reader = Reader(catalogue, length)
        for side in SIDES:
            resolver = Resolver(style, length, side, layers)
            for codes in sets or enumerate_combinations(style, length):
                assert tuple(reader.stack(side, codes)) == resolver.stack(codes), (length, side, codes)
                drawn += 1
    return drawn


EVERY_SET = [codes for many in range(len(CODES) + 1) for codes in combinations(CODES, many)]


def test_every_combination_of_the_sample_dress_is_decided_and_drawn_as_darkroom_does():
    style = load_style(style_text().encode(), "sample-dress.yaml")
    assert require_the_same(style, layer_names()) == 2 * 390
    catalogue = as_read(build(style, proxies_of(layer_names())))
    for length in style.length_names:
        offered = {frozenset(codes) for codes in enumerate_combinations(style, length)}
        assert Reader(catalogue, length).combinations() == offered


def test_layers_with_conditions_for_the_other_side_and_for_other_lengths_are_drawn_as_darkroom_does():
    assert require_the_same(style_of(), LAYERS, EVERY_SET) == 2 * 2 * 32
    assert require_the_same(style_of(defaults_stand_for=("t1",)), LAYERS, EVERY_SET) == 2 * 2 * 32


EXCEPTIONS = {
    "what a code draws": {"code": "b1", "with": ["t1"], "bottom": "b1_mini_bottom_<side>"},
    "that a code draws nothing": {"code": "b1", "with": ["a1"], "belt": "nothing"},
    "what the defaults draw": {"code": "default", "with": ["a1"], "neckline": "t1_neckline_<side>"},
    "what a slot shows in the end": {"with": ["a1", "a2"], "infront": ["a2_infront_<side>", "t1_neckline_front"]},
    "that a slot is empty": {"with": ["t1"], "without": ["a2"], "neckline": "nothing"},
    "after another": {"code": "a1", "infront": "after a2", "behind": "after a2"},
    "before another": {"code": "a2", "infront": "before a1"},
    "where a code that draws nothing lies": {"code": "t1", "with": ["a2"], "infront": "after a2"},
    "with any of": {"with any of": ["t1", "t2"], "with": ["b1"], "belt": "a9_belt_front"},
    "alone": {"code": "t1", "alone": True, "neckline": "nothing"},
    "not alone": {"with any of": ["t1", "a1"], "alone": False, "belt": ["x_belt_front"]},
    "on one side": {"code": "t2", "side": "back", "neckline": "t1_neckline_back"},
    "in one length": {"code": "t2", "lengths": ["Knee"], "neckline": "t1_neckline_<side>"},
    "without": {"without": ["t1", "t2"], "with": ["a1"], "belt": ["b1_belt_<side>"]},
}


@pytest.mark.parametrize("exception", EXCEPTIONS)
def test_an_exception_says(exception):
    one = RuleException.model_validate(EXCEPTIONS[exception])
    style = style_of(exceptions=(one,))
    assert any(
        Resolver(style, length, side, LAYERS).stack(codes)
        != Resolver(style.without_exceptions(), length, side, LAYERS).stack(codes)
        for length in LENGTHS
        for side in SIDES
        for codes in EVERY_SET
    ) or exception.startswith("where")
    assert require_the_same(style, LAYERS, EVERY_SET) == 2 * 2 * 32


def test_all_exceptions_together_are_applied_in_their_order():
    said = [RuleException.model_validate(one) for one in EXCEPTIONS.values()]
    assert require_the_same(style_of(exceptions=said), LAYERS, EVERY_SET) == 2 * 2 * 32
    assert require_the_same(style_of(exceptions=said[::-1]), LAYERS, EVERY_SET) == 2 * 2 * 32


some_codes = st.lists(st.sampled_from(CODES), max_size=2, unique=True).map(tuple)


@st.composite
def exceptions(draw: st.DrawFn) -> RuleException:
    code = draw(st.sampled_from([None, "default", *CODES]))
    said = [(), ("x_belt_front",), ("a1_infront_front", "a2_infront_<side>")]
    if code in CODES:
        said += [Moved(where, other) for where in ("after", "before") for other in CODES if other != code]
    slots = draw(st.lists(st.sampled_from(["behind", "belt", "neckline", "infront"]), min_size=1, unique=True))
    return RuleException(
        code=code,
        with_=draw(some_codes),
        any_of=draw(some_codes),
        without=draw(some_codes),
        alone=draw(st.sampled_from([None, True, False])),
        side=draw(st.sampled_from([None, "front"])),
        lengths=draw(st.sampled_from([(), ("Knee",)])),
        slots={slot: draw(st.sampled_from(said)) for slot in slots},
    )


@given(
    st.lists(st.sampled_from(LAYERS), unique=True),
    st.permutations(CODES),
    st.lists(exceptions(), max_size=4),
    some_codes,
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_delivered_and_excepted_is_drawn_as_darkroom_does(layers, order, said, standing):
    style = style_of(layering=tuple(order), exceptions=tuple(said), defaults_stand_for=standing)
    sets = [tuple(sorted(codes, key=order.index)) for codes in EVERY_SET]
    require_the_same(style, layers, sets)


OPTIONS = {
    "one of": [Option(one_of=CODES)],
    "any of": [Option(any_of=CODES)],
    "at most": [Option(any_of=CODES, at_most=2)],
    "under": [Option(any_of=("t1", "t2")), Option(one_of=("a1", "a2"), under=("t1", "b1")), Option(any_of=("b1",))],
    "requires": [Option(any_of=("t1", "t2")), Option(any_of=("b1",), requires=("t1", "t2"))],
    "under what only one length offers": [
        Option(any_of=("t1",), lengths=("Knee",)),
        Option(any_of=("a1",), under=("t1", "t2")),
        Option(any_of=("a2",), requires=("t1",)),
    ],
}


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("incompatible", [(), (["t1", "a1"], {"a2": ["t1", "t2"], "lengths": ["Knee"]})])
def test_a_front_end_offers_what_the_options_allow(options, incompatible):
    style = style_of(options=tuple(OPTIONS[options]), incompatible=incompatible)
    catalogue = as_read(build(style, ()))
    for length in LENGTHS:
        offered = {frozenset(codes) for codes in enumerate_combinations(style, length)}
        assert Reader(catalogue, length).combinations() == offered


# what it says of the files


def test_a_layer_has_its_proxies_by_colour_and_its_place():
    catalogue = build(
        style_of(), ["a2/a2_for_b1_knee_infront_back_0001.png", "a2/a2_for_b1_knee_infront_back_0007.png"]
    )
    layer = catalogue.layers["a2_for_b1_knee_infront_back"]
    assert layer.proxies == {colour: f"a2/a2_for_b1_knee_infront_back_{colour}.png" for colour in ("0001", "0007")}
    assert (layer.code, layer.slot, layer.side) == ("a2", "infront", "back")
    assert (layer.conditions, layer.lengths) == (("b1",), ("knee",))


def test_what_is_no_proxy_in_its_place_is_left_out():
    beside = [
        "catalogue.json",
        "t1_neckline_front_0000.png",
        "t2/t1_neckline_front_0000.png",
        "t1/x/t1_belt_front_0000.png",
    ]
    catalogue = build(style_of(), [*beside, "t1/notes.txt", "t1/t1_nekline_front_0000.png"])
    assert {name for name in catalogue.layers if name.startswith("t")} == set()


def test_a_layer_that_the_style_names_or_that_lost_its_proxy_is_known_without_any():
    said = RuleException.model_validate({"with": ["a1"], "belt": "a9_<length>_belt_<side>"})
    catalogue = build(style_of(exceptions=(said,)), (), renders=["Studio/T1_Neckline_Front_0000.png", "notes.txt"])
    lacking = {name for name, layer in catalogue.layers.items() if not layer.proxies}
    assert {"base_neckline_front", "a9_mini_belt_front", "a9_knee_belt_back", "t1_neckline_front"} <= lacking
    assert catalogue.lengths[0].sides["front"].draws["t1"]["neckline"][0].layer == "t1_neckline_front"


def test_an_ignored_code_has_no_layers():
    style = style_of(ignored_customizations=("t1",))
    catalogue = build(style, proxies_of(LAYERS), renders=["t1_neckline_front_0000.png"])
    assert not [name for name in catalogue.layers if name.startswith("t1_")]
    assert catalogue.ignored == ("t1",)


@pytest.mark.parametrize(
    ("sizes", "frame", "proxy"),
    [([(3000, 2000), (3000, 2000), (10, 10)], (3000, 2000), (800, 533)), ([], None, (800, 800))],
)
def test_the_usual_size_of_the_renders_is_the_frame(sizes, frame, proxy):
    catalogue = build(style_of(), (), sizes)
    assert (catalogue.frame and (catalogue.frame.width, catalogue.frame.height)) == frame
    assert (catalogue.proxy.width, catalogue.proxy.height) == proxy


HOSTILE = "</script><img src=x onerror=alert(1)>\u202e'\"{{7*7}}"


def test_names_with_malice_stay_text():
    layer = parse_layer(f"t1_{HOSTILE.replace('/', '')}_neckline_front")
    assert layer is not None
    style = style_of(name=HOSTILE)
    catalogue = build(style, [f"t1/{layer.name}_0000.png", f"t1/../t1/{layer.name}_0001.png"])
    read_back = as_read(catalogue)
    assert read_back["name"] == HOSTILE
    assert read_back["layers"][layer.name]["proxies"] == {"0000": f"t1/{layer.name}_0000.png"}


# the schema


def test_the_published_schema_is_that_of_the_models():
    assert SCHEMA.read_text() == schema(), "docs/catalogue.schema.json is another; write it anew with: make docs"


@pytest.mark.parametrize("name", ["sample", "exceptions"])
def test_catalogues_are_valid_by_the_published_schema(name):
    said = [RuleException.model_validate(one) for one in EXCEPTIONS.values()]
    sample = load_style(style_text().encode(), "sample-dress.yaml")
    style, layers = (sample, layer_names()) if name == "sample" else (style_of(exceptions=said), LAYERS)
    validator = Draft202012Validator(json.loads(SCHEMA.read_bytes()))
    catalogue = as_read(build(style, proxies_of(layers), [(1600, 1600)]))
    assert list(validator.iter_errors(catalogue)) == []
    del catalogue["lengths"][0]["sides"]["front"]["standing"]
    assert list(validator.iter_errors(catalogue)) != []


# in a store


@pytest.fixture
def studio(tmp_path):
    """A store with proxies and renders of two layers."""
    for name in LAYERS[:4]:
        draw(tmp_path / keys.proxies("dress") / name.split("_")[0], [name], [0, 1], 40)
        draw(tmp_path / keys.raw_renders("dress") / "Studio", [name], [0, 1], 60)
    return open_store(str(tmp_path))


def test_a_catalogue_is_written_once_and_again_where_something_changed(studio):
    first = publish(studio, style_of())
    assert first.written
    assert first.catalogue.frame is not None
    assert first.catalogue.frame.width == 60
    assert read(studio, "dress") == first.catalogue == parse(Catalogue, studio.read(keys.catalogue("dress")), "it")
    before = studio.head(keys.catalogue("dress"))
    assert publish(studio, style_of()) == (first.catalogue, False)
    assert studio.head(keys.catalogue("dress")) == before
    layer = first.catalogue.layers[LAYERS[0]]
    studio.delete(keys.proxies("dress") + layer.proxies["0001"])
    again = publish(studio, style_of())
    assert again.written
    assert list(again.catalogue.layers[LAYERS[0]].proxies) == ["0000"]
    assert publish(studio, style_of(name="Another")).written


@pytest.mark.parametrize("others", [b"{}", b"{", b"[1]", b'{"schema_version": 1, "style": "coat", "layers": {}}'])
def test_what_somebody_else_put_in_its_place_is_left_alone(studio, others):
    studio.write(keys.catalogue("dress"), others)
    with pytest.raises(BadInput, match="move it away"):
        publish(studio, style_of())
    assert studio.read(keys.catalogue("dress")) == others


def test_one_of_an_older_schema_is_replaced(studio):
    studio.write(keys.catalogue("dress"), b'{"schema_version": 0, "style": "dress", "layers": []}')
    assert publish(studio, style_of()).written


def test_a_writer_that_was_overtaken_looks_again_and_does_not_lose_what_the_other_saw(studio, monkeypatch):
    late = "a1/a1_infront_back_0005.png"
    write, times = studio.write, []

    def overtaken(key, data, **conditions):
        times.append(key)
        if len(times) == 1:  # another ingest delivers something and writes its catalogue just before
            write(keys.proxies("dress") + late, png(pixels("a1_infront_back", 5, 40)))
            write(key, b'{"schema_version": 0, "style": "dress", "layers": []}')
        return write(key, data, **conditions)

    monkeypatch.setattr(studio, "write", overtaken)
    published = publish(studio, style_of())
    assert published.catalogue.layers["a1_infront_back"].proxies["0005"] == late
    assert read(studio, "dress") == published.catalogue
    assert len(times) == 2
    with pytest.raises(Conflict):
        write(keys.catalogue("dress"), b"x", if_absent=True)


def test_sizes_are_asked_of_few_of_many_renders(tmp_path, monkeypatch):
    draw(tmp_path / keys.raw_renders("dress"), ["t1_neckline_front"], range(200), 20)
    store, opened = open_store(str(tmp_path)), []
    monkeypatch.setattr(store, "open", lambda key, _open=store.open, **more: opened.append(key) or _open(key, **more))
    publish(store, style_of())
    assert len([key for key in opened if key.endswith(".png")]) <= 48
