"""The documents: what the code writes of them is what it would write, and what they show and lead to is there."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
import pyvips

from darkroom.jobs import State
from tests.shown import PAGES, ROOT
from tools.pages import commands, configuration, decisions

SHOWN = sorted(
    {
        (page.parent / name).resolve()
        for page in PAGES
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    }
)


@pytest.mark.parametrize("picture", SHOWN, ids=lambda path: path.name)
def test_every_picture_of_the_documents_is_there_and_in_colour(picture: Path) -> None:
    pixels = pyvips.Image.new_from_file(str(picture), fail_on="warning").numpy().astype(int)
    assert pixels.ndim == 3, "a picture of one band: something made it grey"
    colourful = np.ptp(pixels[:, :, :3], axis=2) > 40
    assert colourful.mean() > 0.002
    assert pixels[:, :, :3].min() < 60, "a faded picture"


WRITTEN = {
    "commands.md": commands.written,
    "configuration.md": configuration.written,
    "adr/README.md": decisions.written,
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_page_that_the_code_writes_says_what_the_code_says(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == WRITTEN[name](), "write it anew with: make docs"


@pytest.mark.parametrize("name", [name for name, _ in commands.commands()])
def test_every_command_shows_by_an_example_how_it_is_typed(name: str) -> None:
    (command,) = (command for known, command in commands.commands() if known == name)
    shorter = {"darkroom archive run": "darkroom archive", "darkroom pyramid make": "darkroom pyramid"}
    assert f"Example: {shorter.get(name, name)} " in f"{command.help} "


LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    lost = []
    for link in LINK.findall(without_code(page)):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def without_code(page: Path) -> str:
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings: lower case, blanks to hyphens, other signs left out."""
    headings = re.findall(r"^#+ (.+)$", without_code(page), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading) for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in plain}


def test_the_readme_leads_to_every_page_or_to_one_that_does() -> None:
    def led_to(page: Path) -> set[Path]:
        names = (link.partition("#")[0] for link in LINK.findall(without_code(page)))
        return {(page.parent / name).resolve() for name in names if name and ":" not in name}

    found, seen = {ROOT / "README.md"}, set()
    while waiting := found - seen:
        for page in waiting:
            seen.add(page)
            found |= {one for one in led_to(page) if one.suffix == ".md" and one.is_file()}
    assert [page for page in PAGES if page not in found] == []


WORDS = {
    *("render", "layer", "style", "length", "side", "colour", "slot", "customization code", "combination", "stack"),
    *("composite", "cut", "proxy", "catalogue", "pyramid", "marker", "item", "job", "outcome", "ledger", "report"),
    *("mode", "flow", "plan", "run", "settle", "recipe digest", "pair", "profile", "guard", "approval", "flag"),
}
"""What the design calls things by."""


def test_every_word_of_the_design_the_outcomes_and_the_pages_is_in_the_glossary() -> None:
    text = (ROOT / "docs/glossary.md").read_text(encoding="utf-8")
    known = {word for row in re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE) for word in row.split(", ")}
    pages = {"fitting room", "lightbox", "contact sheet", "note", "alert", "silence"}
    counted = {"planned", "left", "different", "held", "missing", "stale", "broken", "extra", "estimate"}
    assert WORDS | pages | counted | {state.value for state in State} | {"mismatch", "fine again"} <= known
    assert len(re.findall(r"^\| (?!word|---)", text, re.MULTILINE)) == len(
        set(re.findall(r"^\| (?!word|---)([^|]+) \|", text, re.MULTILINE))
    ), "a word means one thing"


SAID = {
    "night-failed.md": (" not made", "is not done in time", "the run failed", "did not make it"),
    "state-lost.md": (" stands there already and Darkroom did not make it; move it away",),
    "disk-full.md": ("the disk is full, or this user's share of it; make room and run it again",),
    "cursor-reset.md": ("it is no JSON", "What it knew is proven anew.", "may still be being written"),
    "rotate-a-credential.md": ("refuses access", "does not take the refresh token", "The alert did not reach"),
    "sqs-dead-letters.md": (
        *(" stays in the queue: ", "no place of DARKROOM_SCAN_SOURCES holds ", "it is no event of S3"),
        *("an event has not the form ", "its marker cannot be written: "),
    ),
    "guard-stopped-a-sync.md": (
        *("a guard stopped it", "an approval waits: ", " gone from the folder, and ", "its guards let no more than"),
        *("it has no file that could be uploaded, though ", " that were looked for from the last run is there"),
        *("which is more than may be removed", " gone from the source, and "),
    ),
    "restore-a-version.md": ("hashes do not match: ",),
}
"""By which words of Darkroom's one finds a runbook."""


@pytest.fixture(scope="module")
def sentences() -> str:
    """Every text in the library and the plugins, as it is said."""
    files = [file for folder in ("include/darkroom", "plugins") for file in (ROOT / folder).rglob("*.py")]
    trees = (ast.parse(file.read_text(encoding="utf-8")) for file in files)
    return "\n".join(
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


@pytest.mark.parametrize(("page", "words"), [(page, words) for page, some in SAID.items() for words in some])
def test_a_runbook_quotes_what_is_really_said(page: str, words: str, sentences: str) -> None:
    assert words.strip() in (ROOT / "docs/runbooks" / page).read_text(encoding="utf-8")
    assert words in sentences


def test_every_runbook_is_in_the_index_and_says_how_to_learn_look_mend_and_see_the_end() -> None:
    folder = ROOT / "docs/runbooks"
    index = (folder / "README.md").read_text(encoding="utf-8")
    for page in sorted(folder.glob("[a-z]*.md")):
        headings = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert f"({page.name})" in index
        assert (headings[0], headings[-1]) == ("How you learn of it", "It is over when"), page.name
        assert "Look at it" in headings, page.name
        assert len(headings) >= 4, page.name


def test_no_airflow_variable_is_read_as_the_configuration_says() -> None:
    files = [file for folder in ("plugins", "dags") for file in (ROOT / folder).rglob("*.py")]
    assert [file for file in files if re.search(r"\bVariable\b", file.read_text(encoding="utf-8"))] == []
