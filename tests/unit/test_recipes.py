"""Everything that decides what is made is in its recipe: a profile's every field, whatever fields it will have."""

from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from darkroom.compositing import profiles as pictures
from darkroom.compositing import recipe as compositing
from darkroom.pyramids import job, profiles
from darkroom.recipes import PROSE


def paths(profile: Any) -> list[tuple[str, ...]]:
    """Every field of a profile, and of those in it."""
    found = []
    for one in fields(profile):
        value = getattr(profile, one.name)
        found += [(one.name, *rest) for rest in paths(value)] if is_dataclass(value) else [(one.name,)]
    return found


def changed(profile: Any, path: tuple[str, ...]) -> Any:
    """The profile with another value in one field."""
    name, *rest = path
    value = getattr(profile, name)
    if rest:
        return replace(profile, **{name: changed(value, tuple(rest))})
    if isinstance(value, bool):
        return replace(profile, **{name: not value})
    return replace(profile, **{name: value + 1 if isinstance(value, int | float) else f"{value or ''} and more"})


def is_prose(profile: Any, path: tuple[str, ...]) -> bool:
    """Is the field marked as nothing but words for people?"""
    *above, name = path
    for part in above:
        profile = getattr(profile, part)
    return next(one for one in fields(profile) if one.name == name).metadata == PROSE


PROFILES = [(name, path) for name, profile in profiles.PROFILES.items() for path in paths(profile)]
DIGESTS = {
    compositing: lambda: compositing.recipe_digest([], "800x800"),
    job: lambda: pyramid("jpeg"),
}


def shown(value: Any) -> str:
    return ".".join(value) if isinstance(value, tuple) else str(value)


@pytest.mark.parametrize("cut", pictures.CUTS)
@pytest.mark.parametrize("path", paths(pictures.PICTURE), ids=shown)
def test_a_change_to_how_pictures_are_drawn_makes_every_cut_again(path, cut, monkeypatch):
    before = compositing.recipe_digest(["a", "b"], cut)
    monkeypatch.setattr(compositing, "PICTURE", changed(pictures.PICTURE, path))
    assert compositing.recipe_digest(["a", "b"], cut) != before


@pytest.mark.parametrize(("cut", "path"), [(cut, path) for cut, crop in pictures.CROPS.items() for path in paths(crop)])
def test_a_change_to_a_crop_makes_that_cut_again_and_no_other(path, cut, monkeypatch):
    before = {each: compositing.recipe_digest(["a", "b"], each) for each in pictures.CUTS}
    monkeypatch.setitem(pictures.CROPS, cut, changed(pictures.CROPS[cut], path))
    after = {each: compositing.recipe_digest(["a", "b"], each) for each in pictures.CUTS}
    assert {each for each in pictures.CUTS if after[each] != before[each]} == {cut}


def test_a_composite_is_of_its_layers_in_their_order():
    recipes = [compositing.recipe_digest(layers, "800x800") for layers in (["a", "b"], ["b", "a"], ["a"], ["ab"])]
    assert len(set(recipes)) == 4


def pyramid(name: str, *, protected: bool = False) -> str:
    return job.recipe_digest("s3://scans/a.jpg", "1", name, protected)


@pytest.mark.parametrize(("name", "path"), PROFILES, ids=shown)
def test_a_change_to_a_profile_makes_its_pyramids_again_and_no_others(name, path, monkeypatch):
    before = {each: pyramid(each) for each in profiles.PROFILES}
    profile = profiles.PROFILES[name]
    monkeypatch.setitem(profiles.PROFILES, name, changed(profile, path))
    after = {each: pyramid(each) for each in profiles.PROFILES}
    expected = set() if is_prose(profile, path) else {name}
    assert {each for each in before if after[each] != before[each]} == expected


def test_of_a_profile_only_the_note_is_prose():
    assert {path for path in paths(profiles.PROFILES["deflate"]) if is_prose(profiles.PROFILES["deflate"], path)} == {
        ("note",)
    }


@pytest.mark.parametrize("path", paths(job.CAP), ids=shown)
@pytest.mark.parametrize(("cap", "protected"), [("CAP", False), ("COPYRIGHT_CAP", True)])
def test_a_change_to_a_cap_makes_what_it_caps_again(cap, protected, path, monkeypatch):
    before = [pyramid("deflate", protected=each) for each in (protected, not protected)]
    monkeypatch.setattr(job, cap, changed(getattr(job, cap), path))
    after = [pyramid("deflate", protected=each) for each in (protected, not protected)]
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, True]


@pytest.mark.parametrize("path", paths(job.DRAWINGS), ids=shown)
def test_a_change_to_how_drawings_are_measured_makes_pyramids_again(path, monkeypatch):
    before = pyramid("deflate")
    monkeypatch.setattr(job, "DRAWINGS", changed(job.DRAWINGS, path))
    assert pyramid("deflate") != before


@pytest.mark.parametrize("module", DIGESTS)
def test_a_change_to_the_code_makes_everything_again(module, monkeypatch):
    before = DIGESTS[module]()
    monkeypatch.setattr(module, "RECIPE_VERSION", module.RECIPE_VERSION + 1)
    assert DIGESTS[module]() != before
