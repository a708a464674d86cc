"""Pairs are data: what is wrong in one is said by line, before any store is asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from darkroom.archive.pairs import Names, Removed, load_pair
from darkroom.archive.request import request_from_params
from darkroom.errors import BadInput
from darkroom.guards import Guards
from darkroom.proof import Verify
from darkroom.settings import Environment, settings

WHOLE = """\
from: gs://studio-scans
to: s3://archive-scans/live
archive: s3://archive-versions
prefix: [maps/, prints/]
files: ['*.tif', '*.jpg']
names: flattened
removed: archive and remove
guards: {objects: 20, percent: 5}
verify: store's checksum
environment: prod
enabled: false
wordpress:
  site: https://maps.example.org
  size: 800
  quality: 70
  title: 'Sheet {name}'
  alt text: 'The scan {name}'
  post:
    status: draft
    title: '{name}'
    content: '{image}'
"""
SHORT = "from: gs://studio-scans\nto: s3://archive-scans\narchive: s3://archive-versions\n"


def wrong(text: str) -> list[str]:
    with pytest.raises(BadInput) as refused:
        load_pair(text.encode(), "maps.yaml", "maps")
    return refused.value.problems


def test_a_whole_pair_is_read() -> None:
    pair = load_pair(WHOLE.encode(), "maps.yaml", "maps")
    assert (pair.name, pair.source, pair.target) == ("maps", "gs://studio-scans", "s3://archive-scans/live")
    assert (pair.prefix, pair.files) == (("maps/", "prints/"), ("*.tif", "*.jpg"))
    assert (pair.names, pair.removed, pair.verify) == (Names.FLATTENED, Removed.REMOVE, Verify.CHECKSUM)
    assert (pair.guards, pair.environment, pair.enabled) == (Guards(objects=20, percent=5), Environment.PROD, False)
    assert pair.wordpress is not None
    assert (pair.wordpress.site, pair.wordpress.alt) == ("https://maps.example.org", "The scan {name}")


def test_three_places_are_enough() -> None:
    pair = load_pair(SHORT.encode(), "maps.yaml", "maps")
    assert (pair.prefix, pair.names, pair.removed, pair.verify) == (
        (),
        Names.AS_THEY_ARE,
        Removed.REPORT,
        Verify.READ_BACK,
    )
    assert load_pair((SHORT + "prefix: maps/\n").encode(), "maps.yaml", "maps").prefix == ("maps/",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from: gs://studio-scans\n", "maps.yaml, line 1: 'to' is missing; add it."),
        (
            "from: gs://studio-scans\nto: s3://a-b\nremoved: archive and remove\n",
            "maps.yaml, line 3: removed: without an 'archive' nothing is removed; name one, or leave 'removed' out.",
        ),
        (SHORT + "prefx: maps/\n", "maps.yaml, line 4: 'prefx' is no key of a pair; did you mean 'prefix'?"),
        (
            SHORT + "prefix: /maps/\n",
            "maps.yaml, line 4: prefix: '/maps/' begins with a slash, and no object's name does: a prefix is a GCS "
            "prefix, not a folder; write 'maps/'.",
        ),
        (
            SHORT + "names: flat\n",
            "maps.yaml, line 4: names: it must be 'as they are', 'flattened' or",
        ),
        (SHORT + "guards: {percent: 120}\n", "maps.yaml, line 4: guards.percent: it must be 100 or less, not 120"),
        (
            SHORT.replace("gs://", "ftp://"),
            "maps.yaml, line 1: from: ftp://studio-scans: no store for ftp://",
        ),
        (
            SHORT.replace("s3://archive-versions", "s3://archive-scans/old"),
            "maps.yaml, line 3: archive: it lies in 'to', or the other way round; each needs a place of its own.",
        ),
        (SHORT + "name: prints\n", "maps.yaml, line 4: a pair's name is its file's; leave 'name' out."),
        (SHORT + "environment: live\n", "maps.yaml, line 4: environment: it must be 'stage' or 'prod', not 'live'"),
        (SHORT + "from: gs://another\n", "maps.yaml, line 4: 'from' stands twice; keep one of the two."),
        ("- a\n", "maps.yaml: a pair is a mapping of keys ("),
    ],
)
def test_what_is_wrong_is_said_by_line(text: str, said: str) -> None:
    problems = wrong(text)
    assert any(one.startswith(said) for one in problems), problems


@pytest.fixture
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("DARKROOM_PAIRS_DIR", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_every_enabled_pair_of_this_environment_is_asked_for_and_the_others_are_said(
    pairs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DARKROOM_ENVIRONMENT", "prod")
    settings.cache_clear()
    (pairs / "here.yaml").write_text(SHORT + "environment: prod\n")
    (pairs / "everywhere.yaml").write_text(SHORT)
    (pairs / "stage.yaml").write_text(SHORT + "environment: stage\n")
    (pairs / "off.yaml").write_text(SHORT + "enabled: false\n")
    (pairs / "broken.yaml").write_text("from: [")
    request = request_from_params({})
    assert [pair.name for pair in request.pairs] == ["everywhere", "here"]
    assert request.said == (
        "off: it is not enabled, and left alone.",
        "stage: it is a pair of stage, and this deployment is prod (DARKROOM_ENVIRONMENT): it is left alone.",
    )
    assert len(request.problems) == 1
    assert "broken.yaml, line 2" in request.problems[0]
    assert [pair.name for pair in request_from_params({"pairs": ["off"]}).pairs] == ["off"], "who names it wants it"


def test_a_run_may_ask_for_less_than_a_pair_but_for_nothing_beside_it(pairs: Path) -> None:
    (pairs / "maps.yaml").write_text(SHORT + "prefix: [maps/, prints/]\n")
    request = request_from_params({"prefix": "maps/18", "verify": "store's checksum", "wordpress": False})
    assert (request.pairs[0].prefix, request.pairs[0].verify) == (("maps/18",), Verify.CHECKSUM)
    request = request_from_params({"prefix": "secret/"})
    assert request.pairs == ()
    assert request.said == ("maps: none of its objects begins with 'secret/': it is left alone.",)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"pairs": ["prints"]}, "pairs: 'prints' is no pair; there are maps in "),
        ({"prefix": "/maps"}, "prefix: '/maps' begins with a slash"),
        ({"verify": "never"}, "verify: it must be 'read back' or "),
    ],
)
def test_what_cannot_be_asked_for_is_refused_in_a_sentence(pairs: Path, params: dict[str, object], said: str) -> None:
    (pairs / "maps.yaml").write_text(SHORT)
    with pytest.raises(BadInput) as refused:
        request_from_params(params)
    assert refused.value.problems[0].startswith(said)
