"""Rule files: what they may say, and what is said of those that are wrong, by line."""

import time
from pathlib import Path

import pytest

from darkroom.errors import BadInput
from darkroom.sync.rules import Checker, Rules, load_rules, rules_named
from tests.unit.test_sync_rules import WHOLE, checker, wrong


def test_whole_rules_are_read() -> None:
    rules = load_rules(
        (WHOLE + "meanings: {shop: letters}\ncontent: png\nsmallest: 1 KiB\nlargest: 2MB\n").encode(),
        "mine.yaml",
        "mine",
    )
    assert rules.name == "mine"
    assert rules.paths == ("{shop}/{number}.jpg",)
    assert rules.groups == {"shop": "[a-z]+", "number": "[0-9]+"}
    assert (rules.content, rules.smallest, rules.largest) == ("png", 1024, 2_000_000)
    assert Rules.model_validate_json(rules.model_dump_json()) == rules


def test_stores_are_shipped_as_documented() -> None:
    rules = rules_named("")
    assert rules == rules_named("stores")
    assert rules.paths == ("stores/{slug}/{kind}/{number}.jpg",)
    assert (rules.content, rules.smallest, rules.largest) == ("jpeg", 1, 50_000_000)
    assert Checker(rules).prefix == "stores/"


def test_rules_are_read_from_a_path(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(WHOLE)
    assert rules_named(str(tmp_path / "mine.yaml")).name == "mine"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("store", "rules: 'store' is no rule set; did you mean 'stores'?"),
        ("xyz", "rules: 'xyz' is no rule set; there are stores, none; or give the path of a YAML file"),
        ("./nowhere.yaml", "nowhere.yaml: there is no such file; name a rule set's YAML file."),
        ("/dev/zero", "/dev/zero: it is no file; name a rule set's YAML file."),
        ("/dev/", "/dev: it is no file; name a rule set's YAML file."),
        ("../rule_sets/\0\n.yaml", r"../rule_sets/\x00\n.yaml: there is no such file"),
    ],
)
def test_rules_that_are_not_there_are_said(name: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        rules_named(name)
    assert said in refused.value.problems[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- a\n", "mine.yaml: a rule set is a mapping of keys ("),
        ("", "mine.yaml: the file is empty."),
        (WHOLE + "contnt: jpeg\n", "mine.yaml, line 5: 'contnt' is no key of a rule set; did you mean 'content'?"),
        (WHOLE + "content: psd\n", "mine.yaml, line 5: content: it must be 'jpeg', 'png', 'webp', 'gif', "),
        (
            WHOLE + "smallest: 2MB\nlargest: 1MB\n",
            "mine.yaml, line 5: smallest: it is 2.0 MB, more than the largest (1.0 MB); exchange them.",
        ),
        (WHOLE + "largest: huge\n", "mine.yaml, line 5: largest: it must be a size such as 1.5GiB, not 'huge'"),
        (WHOLE + "largest: -5\n", "mine.yaml, line 5: largest: it must be a size such as 1.5GiB, not -5"),
        (WHOLE + "name: mine\n", "mine.yaml, line 5: a rule set's name is its file's; leave 'name' out."),
        (
            "paths: []\n",
            "mine.yaml, line 1: paths: the list is empty; write a path, or leave 'paths' out for any name.",
        ),
        (
            "paths:\n  - a.jpg\n  - 'stores/{slug/1.jpg'\n",
            "mine.yaml, line 3: paths: 'stores/{slug/1.jpg' has a brace without its other one; write a group as {slug",
        ),
        ("paths: ['a}.jpg']\n", "mine.yaml, line 1: paths: 'a}.jpg' has a brace without its other one"),
        ("paths: ['{{a}}.jpg']\n", "mine.yaml, line 1: paths: '{{a}}.jpg' has a brace without its other one"),
        ("paths: ['{}.jpg']\n", "mine.yaml, line 1: paths: '{}.jpg': '' cannot name a group; use letters, digits"),
        ("paths: ['{a b}.jpg']\n", "mine.yaml, line 1: paths: '{a b}.jpg': 'a b' cannot name a group"),
        ("paths: ['{a}/{a}.jpg']\n", "mine.yaml, line 1: paths: '{a}/{a}.jpg' has the group 'a' twice"),
        (
            "paths: [/a/b.jpg]\n",
            "mine.yaml, line 1: paths: '/a/b.jpg' begins with a slash, and paths are below the fol",
        ),
        ("paths: [a/]\n", "mine.yaml, line 1: paths: 'a/' ends in a slash, and a path is a file's"),
        ("paths: [a//b]\n", "mine.yaml, line 1: paths: 'a//b' has nothing between two slashes; leave one out."),
        ("paths: [a/../b]\n", "mine.yaml, line 1: paths: 'a/../b' has a '.' or '..' among its folders"),
        ("paths: ['a\\b']\n", r"mine.yaml, line 1: paths: 'a\\b' has a backslash; write / between folders."),
        (
            "paths: ['a/*.jpg']\n",
            "mine.yaml, line 1: paths: 'a/*.jpg' has a '*', '?' or bracket; write a group such as",
        ),
        ('paths: ["a\\n.jpg"]\n', "mine.yaml, line 1: paths: 'a\\n.jpg' has a line break or another control character"),
        ("paths: ['']\n", "mine.yaml, line 1: paths: a path has 1 to 1,024 characters, and this 0; correct it."),
        (
            WHOLE + "  numbr: '[0-9]'\n",
            "mine.yaml, line 5: groups.numbr: no path has a {numbr}; did you mean 'number'?",
        ),
        (WHOLE + "meanings: {x: a}\n", "mine.yaml, line 5: meanings.x: no path has a {x}; there are number, shop"),
    ],
)
def test_what_is_wrong_in_a_rule_file_is_said_by_line(text: str, said: str) -> None:
    problems = wrong(text)
    assert any(one.startswith(said) for one in problems), problems


SAFE = [
    "[a-z]+",
    "[a-z0-9]+(?:-[a-z0-9]+)*",
    "(?:ab)*c",
    "a|b|cd",
    r"\d{4}-\d\d(?:-[a-z]+)?",
    "[^/_]+_[0-9]+",
    r"(\.x[a-z]*)+",
    "|".join(f"word{number}" for number in range(25)),
    "[a-z]+-[a-z]+-[0-9]{1,2}",
]
HOSTILE = [
    "(a+)+",
    "([a-z]*)*x",
    "(?:a|a)*",
    "(?:a|aa)+b",
    "(?:aa?)*b",
    "(?:.*,)*x",
    "(?:-?[a-z]+)*",
    "(?:^a*)*b",
    r"(?:\-[a-z-]+)*",
    "((?:ab?)c*)+",
    "(?:a+){2,40}",
    "(?:a?){60}",
    "(?:(?:a|b)c)*",
    "a*a*a*a*a*a*b",
    ".*.*.*.*.*x",
    "a?" * 40 + "a" * 40,
    "(?:-[a-z]*[a-z]*)*",
    "(?:a|aa)" * 22 + "b",
    "[a-z]+[0-9]+-[a-z]+-[0-9]+",
    "(?:-a)*(?:-a)*(?:-a)*(?:-a)*(?:-a)*x",
]
NO_REGEX = [
    ("[a-z", "is no regular expression"),
    ("(", "is no regular expression"),
    ("*", "is no regular expression"),
    ("a{99999999999999999999}", "is no regular expression"),
    ("a" * 201, "it has 201 characters, and 200 is the most"),
    ("", "it is empty; leave it out for any name"),
    (r"(a)\1", r"has \1, which is not read here"),
    (r"\bword\b", r"has \b, which is not read here"),
    ("(?P<kind>a)", "only (?: is read"),
    ("(?=a)b", "only (?: is read"),
    ("(?i)a", "only (?: is read"),
]


@pytest.mark.parametrize("regex", SAFE)
def test_a_groups_regular_expression_may_be_all_of_this(regex: str) -> None:
    quick = checker(f"paths: ['{{x}}.jpg']\ngroups:\n  x: '{regex}'\n")
    begun = time.thread_time()
    for again in ("a", "-", "a-", "1", ".x", "_"):
        quick.in_scope((again * 250)[:250] + "!")
    assert time.thread_time() - begun < 1


@pytest.mark.parametrize("regex", HOSTILE)
def test_a_regular_expression_that_a_name_can_make_slow_is_refused_and_soon(regex: str) -> None:
    begun = time.thread_time()
    problems = wrong(f"paths: ['{{x}}.jpg']\ngroups:\n  x: '{regex}'\n")
    assert time.thread_time() - begun < 5
    assert any("takes" in one and one.startswith("mine.yaml, line ") for one in problems), problems


@pytest.mark.parametrize(("regex", "said"), NO_REGEX)
def test_a_regular_expression_that_is_none_is_said_by_line(regex: str, said: str) -> None:
    problems = wrong(f"paths: ['{{x}}.jpg']\ngroups:\n  x: '{regex}'\n")
    assert any(one.startswith("mine.yaml, line 3: groups.x: ") and said in one for one in problems), problems


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe\x00",
        b"paths: !!python/object/apply:os.system [id]\n",
        b"a: &a [*a]\n",
        b"[" * 5000,
        b"paths: [" + b"'a.jpg', " * 101 + b"]\n",
        b"groups: {x: [a]}\n",
        b"groups: a\n",
        b"paths: {a: b}\n",
        b"paths: [[a]]\n",
        b"smallest: [1]\n",
        b"largest: 1e400GiB\n",
        b"content: [jpeg]\n",
        b"paths: a.jpg\npaths: b.jpg\n",
        b"x" * (2 << 20),
    ],
)
def test_hostile_rule_files_are_refused_in_sentences(data: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        load_rules(data, "mine.yaml", "mine")
    assert all(one.startswith("mine.yaml") and len(one) < 500 for one in refused.value.problems)
