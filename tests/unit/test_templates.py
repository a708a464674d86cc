"""What templates take, and that nothing that a stranger writes into a file's name becomes more than text."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from darkroom.publishing.templates import Facts, Picture, filled, filled_content, problems

HASH = "9e107d9d372bb6826bd81d3542a419d6"
FACTS = Facts("maps/1890/sheet 7.tif", datetime(2024, 5, 1, 12, tzinfo=UTC), HASH)
PICTURE = Picture("https://site.example/a.jpg", "A map", 12)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{name}", "sheet 7"),
        ("{file}", "sheet 7.tif"),
        ("{folder}", "maps/1890"),
        ("{key}", "maps/1890/sheet 7.tif"),
        ("{date}", "2024-05-01"),
        ("{hash}", HASH),
        ("{{name}} {name} }}{{", "{name} sheet 7 }{"),
        ("{{{name}}}", "{sheet 7}"),
        ("Ein Plan, {date}: {name}", "Ein Plan, 2024-05-01: sheet 7"),
        ("", ""),
    ],
)
def test_names_are_filled_in(template: str, text: str) -> None:
    assert problems(template) == []
    assert filled(template, FACTS) == text


@pytest.mark.parametrize(
    ("key", "name", "folder"),
    [
        ("a.jpg", "a", ""),
        ("a", "a", ""),
        ("x.y/a", "a", "x.y"),
        (".hidden", ".hidden", ""),
        ("a.tar.gz", "a.tar", ""),
        ("a/b/c.d", "c", "a/b"),
    ],
)
def test_a_name_is_the_file_without_its_extension(key: str, name: str, folder: str) -> None:
    facts = replace(FACTS, key=key)
    assert filled("{name}|{folder}", facts) == f"{name}|{folder}"


def test_a_date_is_the_day_in_utc() -> None:
    evening = datetime(2024, 5, 1, 22, tzinfo=timezone(timedelta(hours=-5)))
    assert filled("{date}", replace(FACTS, written=evening)) == "2024-05-02"


@pytest.mark.parametrize(
    "template",
    [
        "{colour}",
        "{}",
        "{0}",
        "{name!r}",
        "{name:>20}",
        "{name.__class__}",
        "{name[0]}",
        "{ name }",
        "{NAME}",
        "{image}",
        "{url}",
        "{name",
        "name}",
        "{{name}",
        "{na{me}}",
        "a\nb",
        "a\x00b",
        "\ud800",
        "x" * 501,
    ],
)
def test_whatever_else_is_in_a_title_is_a_problem(template: str) -> None:
    found = problems(template)
    assert found
    assert all(sentence.endswith(".") for sentence in found)
    with pytest.raises(ValueError, match=r"\."):
        filled(template, FACTS)


def test_a_problem_says_what_to_write() -> None:
    (found,) = problems("{title} of {title}", content=True)
    assert found.startswith("{title} is no name of a template; write {name}, ")
    assert found.endswith(", {image} or {url}.")
    assert problems("a } b") == ["A } stands alone at character 3; write }} for the sign."]


def test_what_is_filled_in_is_not_filled_in_again() -> None:
    facts = replace(FACTS, key="{hash}{{.jpg")
    assert filled("{name}", facts) == "{hash}{{"
    assert filled_content("{name}", facts, replace(PICTURE, alt="{url}")) == "{hash}{{"


def test_a_title_is_one_line_without_signs_that_are_not_seen() -> None:
    facts = replace(FACTS, key="a\nb\x1b[31m\u202egpj.exe\udc80\x00 c.jpg")
    assert filled("{name}", facts) == "a b [31m gpj.exe c"


def test_a_post_has_the_editors_image_block() -> None:
    content = filled_content("<h2>{name}</h2>\n{image}\n<a href='{url}'>all</a>", FACTS, PICTURE)
    assert content == (
        "<h2>sheet 7</h2>\n"
        '<!-- wp:image {"id":12} -->\n'
        '<figure class="wp-block-image">'
        '<img src="https://site.example/a.jpg" alt="A map" class="wp-image-12"/></figure>\n'
        "<!-- /wp:image -->\n"
        "<a href='https://site.example/a.jpg'>all</a>"
    )


HOSTILE = "\"'><script>alert(1)</script><!-- /wp:image --><!-- wp:html -->[gallery ids=1]&amp;\n\u202e"


@pytest.mark.parametrize("name", ["name", "file", "folder", "key", "hash", "url", "image"])
def test_nothing_that_is_filled_in_is_markup_or_a_shortcode(name: str) -> None:
    facts = Facts(f"{HOSTILE}/{HOSTILE}.jpg", FACTS.written, HOSTILE)
    content = filled_content(f"<p title='{{{name}}}'>", facts, Picture(f"https://a/{HOSTILE}", HOSTILE, 3))
    own = filled_content(f"<p title='{{{name}}}'>", FACTS, PICTURE)
    for sign in "<>\"'[]\u202e\x00":
        assert content.count(sign) == own.count(sign), sign


def test_an_alt_text_and_a_url_are_text_in_their_attributes() -> None:
    content = filled_content("{image}", FACTS, Picture('https://a/" onerror="x', 'a" onload="y', 3))
    assert 'src="https://a/&quot; onerror=&quot;x"' in content
    assert 'alt="a&quot; onload=&quot;y"' in content
