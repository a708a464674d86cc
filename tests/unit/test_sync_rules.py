"""Rules: which names and sizes may be uploaded; and no rule file or name that does harm."""

import time

import pytest

from darkroom.errors import BadInput
from darkroom.sync.rules import Checker, Rules, load_rules, rules_named

GOOD = "stores/joes-diner/photos/0001.jpg"
WHOLE = "paths: ['{shop}/{number}.jpg']\ngroups:\n  shop: '[a-z]+'\n  number: '[0-9]+'\n"
SLUG = "(small letters and digits, words parted by single hyphens)"


@pytest.fixture(scope="module")
def stores() -> Checker:
    return Checker(rules_named("stores"))


def checker(text: str) -> Checker:
    return Checker(load_rules(text.encode(), "mine.yaml", "mine"))


def wrong(text: str) -> list[str]:
    with pytest.raises(BadInput) as refused:
        load_rules(text.encode(), "mine.yaml", "mine")
    return refused.value.problems


# names


@pytest.mark.parametrize("key", [GOOD, "stores/a/menus/1.jpg", "stores/24-7-pizza/photos/123456789.jpg"])
def test_what_the_stores_have_is_allowed(stores: Checker, key: str) -> None:
    assert stores.wrong_name(key) == ""
    assert stores.in_scope(key)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("stores/a/photo/1.jpg", "its folder 'photo' must be photos or menus; did you mean 'photos'?"),
        ("stores/a/plans/1.jpg", "its folder 'plans' must be photos or menus; rename it or move the file"),
        ("stores/a/Photos/1.jpg", "its folder 'Photos' must be photos or menus; did you mean 'photos'?"),
        ("shops/a/photos/1.jpg", "its folder 'shops' must be 'stores'; rename it"),
        ("stores/Joes/photos/1.jpg", f"its folder 'Joes' is no {{slug}} {SLUG}; rename it, for instance to joes"),
        (
            "stores/Café Mühle/photos/1.jpg",
            f"its folder 'Café Mühle' is no {{slug}} {SLUG}; rename it, for instance to cafe-muehle",
        ),
        ("stores/a--b/photos/1.jpg", f"its folder 'a--b' is no {{slug}} {SLUG}; rename it, for instance to a-b"),
        ("stores/寿司/photos/1.jpg", f"its folder '寿司' is no {{slug}} {SLUG}; rename it"),
        ("stores/a/photos/1.JPG", "its extension is .JPG; rename it to 1.jpg"),
        ("stores/a/photos/1.Jpeg", "its extension is .Jpeg; rename it to 1.jpg"),
        ("stores/a/photos/1.png", "its extension is .png, and only .jpg is taken here"),
        ("stores/a/photos/1", "it has no extension, and only .jpg is taken here"),
        ("stores/a/photos/front.jpg", "its name 'front.jpg' is no {number}.jpg (1 to 9 digits); rename it"),
        (
            "stores/a/photos/IMG_1.JPG",
            "its extension is .JPG instead of .jpg, and 'IMG_1' is no {number} (1 to 9 digits); rename it",
        ),
        (
            "stores/a/photos/1234567890.jpg",
            "its name '1234567890.jpg' is no {number}.jpg (1 to 9 digits); rename it",
        ),
        (
            "stores/a/photos/１.jpg",
            "its name '１.jpg' is no {number}.jpg (1 to 9 digits); rename it, for instance to 1.jpg",
        ),
        ("stores/a/1.jpg", "it lies in 2 folders; a file belongs at stores/{slug}/{kind}/{number}.jpg"),
        ("stores/a/photos/b/1.jpg", "it lies in 4 folders; a file belongs at stores/{slug}/{kind}/{number}.jpg"),
        ("1.jpg", "it lies in no folder; a file belongs at stores/{slug}/{kind}/{number}.jpg"),
        (
            "stores/a/photos/Thumbs.db",
            "it is a file that a computer leaves behind; delete it, or name it under 'exclude'",
        ),
        (
            "stores/a/photos/._1.jpg",
            "it is a file that a computer leaves behind; delete it, or name it under 'exclude'",
        ),
        ("stores/a/photos/\udcff1.jpg", "its name is no UTF-8; rename it"),
        ("stores/a/photos/1.jpg\n", "its name has a line break or another control character; rename it"),
        ("stores/a/photos/\x1b[2J.jpg", "its name has a line break or another control character; rename it"),
        ("stores/a/photos/1\u2028.jpg", "its name has a line break or another control character; rename it"),
        ("stores//photos/1.jpg", "it has an empty part, '.' or '..' among its folders; rename it"),
        ("stores/../photos/1.jpg", "it has an empty part, '.' or '..' among its folders; rename it"),
        (
            f"stores/{'a/' * 520}1.jpg",
            "its name and folders have 1,052 bytes, and 1,024 is the most; shorten them",
        ),
        (
            f"stores/{'ü' * 600}/photos/1.jpg",
            "its name and folders have 1,220 bytes, and 1,024 is the most; shorten them",
        ),
    ],
)
def test_a_wrong_name_is_said_with_what_would_be_right(stores: Checker, key: str, said: str) -> None:
    assert stores.wrong_name(key) == said
    assert not stores.in_scope(key)


def test_every_reason_is_one_printable_line(stores: Checker) -> None:
    for odd in ("\u202e", "\x00", "\u00a0", "\U0001f600", "%s", "{slug}", "'", "A" * 200, "\ue000"):
        for key in (f"stores/{odd}/photos/1.jpg", f"stores/a/{odd}/1.jpg", f"stores/a/photos/{odd}.jpg", f"a/{odd}"):
            said = stores.wrong_name(key)
            assert said
            assert said.isprintable(), ascii(said)
            assert len(said) < 300


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("stores/a/photos/0001.jpg", "stores/a/photos/1.jpg"),
        ("stores/a/photos/000000000.jpg", "stores/a/photos/0.jpg"),
    ],
)
def test_a_number_counts_by_its_value(stores: Checker, one: str, other: str) -> None:
    assert stores.identity(one) == stores.identity(other)


def test_names_that_mean_something_else_are_not_the_same(stores: Checker) -> None:
    keys = [
        "stores/a/photos/1.jpg",
        "stores/a/photos/10.jpg",
        "stores/a/menus/1.jpg",
        "stores/a-1/photos/1.jpg",
        "stores/a-01/photos/1.jpg",  # another shop: only a group of digits is a number
        "stores/01/photos/1.jpg",
        "stores/1/photos/1.jpg",
        "stores/a/photos/1.JPG",  # not allowed, so nothing that is allowed has to make way for it
    ]
    assert len({stores.identity(key) for key in keys}) == len(keys)


def test_letters_in_either_case_and_accents_in_either_form_mean_the_same() -> None:
    free = checker("paths: ['{shop}/{number}-{name}.jpg']\ngroups: {number: '[0-9]+'}\n")
    names = ("Caf\u00e9/007-Front.jpg", "cafe\u0301/7-front.jpg", "CAFE\u0301/0007-FRONT.jpg")
    assert all(free.in_scope(name) for name in names)
    assert len({free.identity(name) for name in names}) == 1
    assert free.identity("cafe/7-front.jpg") != free.identity(names[0])


def test_without_paths_every_name_goes_and_means_itself() -> None:
    none = Checker(rules_named("none"))
    names = ["a", "A", "0001.jpg", "1.jpg", "a b/ü.txt", "x/.hidden", "a//b"]
    assert [none.wrong_name(name) for name in names] == [""] * len(names)
    assert all(none.in_scope(name) for name in names)
    assert [none.identity(name) for name in names] == names
    assert (none.prefix, none.needs_content, none.wrong_size(0), none.wrong_size(10**15)) == ("", False, "", "")
    assert none.wrong_content(b"", 0) == ""
    assert none.wrong_name("\udcff") == "its name is no UTF-8; rename it"
    assert none.wrong_name("a" * 1025)


@pytest.mark.parametrize(
    ("paths", "prefix"),
    [
        (["stores/{a}/{b}.jpg"], "stores/"),
        (["a/b/{c}.jpg", "a/c/{c}.jpg"], "a/"),
        (["ab/{c}.jpg", "ac/{c}.jpg"], ""),
        (["a/b/{c}.jpg", "a/b/c/{d}.jpg"], "a/b/"),
        (["a/b{c}/d.jpg"], "a/"),
        (["robots.txt"], ""),
    ],
)
def test_the_prefix_is_the_folders_that_all_paths_have(paths: list[str], prefix: str) -> None:
    assert Checker(Rules(name="mine", paths=tuple(paths))).prefix == prefix


def test_no_group_reaches_over_a_slash_or_out_of_the_folder() -> None:
    for regex in (".+", "[^.]+", "[^-]+", r"\S+", "(?:.|x)", ""):
        free = checker("paths: ['a/{name}/b.jpg']\n" + (f"groups: {{name: '{regex}'}}\n" if regex else ""))
        assert [free.in_scope(f"a/{name}/b.jpg") for name in ("c", "c/d", "..", ".", "")] == [
            True,
            False,
            False,
            False,
            False,
        ]


def test_of_several_paths_the_nearest_one_is_told() -> None:
    both = checker("paths: ['stores/{a}/photos/{n}.jpg', 'stores/{a}/plans/{n}.pdf']\ngroups: {n: '[0-9]+'}\n")
    assert both.wrong_name("stores/x/plans/1.PDF") == "its extension is .PDF; rename it to 1.pdf"
    assert both.wrong_name("stores/x/photos/1.pdf") == "its extension is .pdf, and only .jpg is taken here"


def test_names_are_checked_in_microseconds_however_odd(stores: Checker) -> None:
    odd = ["stores/" + "a-" * 100, f"stores/{'a' * 250}/photos/1.jpg", "/" * 1000, "stores/" + "-" * 900, "9" * 1000]
    begun = time.thread_time()
    for key in odd * 20:
        stores.wrong_name(key)
        stores.in_scope(key)
        stores.identity(key)
    assert time.thread_time() - begun < 1


# sizes


def test_sizes_have_limits_on_both_sides(stores: Checker) -> None:
    assert [stores.wrong_size(size) for size in (1, 50_000_000)] == ["", ""]
    assert stores.wrong_size(0) == "it is empty"
    assert stores.wrong_size(61_200_000) == "it has 61.2 MB, and 50.0 MB is the most; save it smaller"
    assert checker("smallest: 2kB\n").wrong_size(12) == "it has 12 B, and 2.0 kB is the least"


# the digest


def test_the_digest_is_another_where_the_verdict_may_be() -> None:
    digest = Checker(rules_named("stores")).digest
    assert digest == Checker(rules_named("stores")).digest
    assert len({digest, checker("content: png\n").digest, checker("content: jpeg\n").digest}) == 3
