"""The commands that the documents show: each is run in a small world, those that need a cloud are read."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest
import typer
import typer.main
from botocore import xform_name
from typer.testing import CliRunner

from darkroom.cli import app
from darkroom.cli.spread import spread
from darkroom.settings import settings
from tests import docs_world
from tests.shown import PAGES, ROOT, Step, inline, steps

STEPS = [step for page in PAGES for step in steps(page)]
SECTIONS: dict[tuple[str, str], list[Step]] = {}
for one in STEPS:
    SECTIONS.setdefault((one.page, one.section), []).append(one)
RUN = {place: found for place, found in SECTIONS.items() if any(step.words[0] == "darkroom" for step in found)}

OWN = ("cat", "cp", "ls", "mkdir", "mv", "rm")
"""Commands of the system's own that are run as they stand."""
ONLY_READ = ("dropbox:", "--measure")
"""What no folder can stand for, and what measures the machine for a minute."""
SMALLER = {
    ("README.md", "sample"): ("--size", "100"),
    ("README.md", "composite"): ("--colours", "0", "--sides", "front", "--cuts", "142x142"),
}
"""What is added to a command, so that it takes as long as a test may."""
FOUND = {
    ("docs/alerts.md", "Silence", "darkroom alerts lift 0a1b2c3d"): 2,  # the name of an example
    (
        "docs/runbooks/night-failed.md",
        "Look at it",
        "darkroom pyramid s3://library-scans/maps/1890/sheet-8.jpg /tmp/look",
    ): 1,
    (
        "docs/runbooks/guard-stopped-a-sync.md",
        "Look at it",
        "darkroom sync dryrun shops --delete --report /tmp/shops",
    ): 1,
}
"""Commands that end otherwise than with 0, as they should."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "world"
    folder.mkdir()
    docs_world.build(folder)
    return folder


@pytest.fixture
def place(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A world of a section's own, in which one stands."""
    own = tmp_path / "world"
    shutil.copytree(world, own)
    monkeypatch.chdir(own)
    for name, value in docs_world.VARIABLES.items():
        monkeypatch.setenv(name, value)
    yield own
    settings.cache_clear()


@pytest.mark.parametrize("where", RUN, ids=lambda where: "-".join(where).replace(" ", "_"))
def test_a_section_can_be_typed_line_by_line(
    where: tuple[str, str], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs_world.prepare(where, place)
    for step in RUN[where]:
        settings.cache_clear()
        words = [docs_world.here(word) for word in docs_world.to_come(step.words)]
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            monkeypatch.setenv(name, value)
        elif words[0] in OWN:
            ran = subprocess.run(globbed(words), capture_output=True, text=True, timeout=60)
            assert ran.returncode == 0, f"{step}\n{ran.stderr}"
        elif words[0] == "darkroom" and not any(cloud in word for word in words for cloud in ONLY_READ):
            code, said = darkroom(*globbed(words[1:]), *SMALLER.get((step.page, words[1]), ()))
            assert code == FOUND.get((*where, shlex.join(step.words)), 0), f"{step}\n{said}"


def darkroom(*words: str) -> tuple[int, str]:
    """Run a command in this process; its exit code, and what it said."""
    result = CliRunner().invoke(app, spread(words))
    if result.exception and not isinstance(result.exception, SystemExit):
        return 2, f"{result.output}\n{result.exception!r}"
    return result.exit_code, result.output


def globbed(words: list[str]) -> list[str]:
    """As a shell hands them over: a pattern that fits something is what it fits."""
    return [found for word in words for found in (sorted(map(str, Path().glob(word))) if "*" in word else []) or [word]]


NAMED = {(str(page.relative_to(ROOT)), text) for page in PAGES for text in inline(page)}
TYPED = sorted(
    {(step.page, shlex.join(step.words)) for step in STEPS if step.words[0] == "darkroom"}
    | {(name, text) for name, text in NAMED if text.startswith("darkroom ")}
)


@pytest.mark.parametrize(("page", "typed"), TYPED)
def test_every_command_that_is_named_is_one_and_has_the_options_that_are_named(page: str, typed: str) -> None:
    words = [word for word in shlex.split(re.sub(r"\[[^]]*\]", "", typed)) if word not in ("...", "…", "--help")]
    command: Any = typer.main.get_command(app)
    rest = spread(words[1:])
    while hasattr(command, "list_commands") and rest:
        below = None if rest[0].startswith("-") else command.get_command(None, rest[0])
        if below is None and hasattr(command, "default"):
            below, rest = command.get_command(None, command.default), ["", *rest]
        assert below, f"{page}: {typed}: there is no command {rest[0]!r}"
        command, rest = below, rest[1:]
    context = typer.Context(command, info_name=typed)
    parser = command.make_parser(context)
    values, _, _ = parser.parse_args(args=[*rest, *missing_value(command, rest)])
    for param in command.params:
        if param.param_type_name == "option" and param.name in values:
            param.process_value(context, values[param.name])


def missing_value(command: Any, rest: list[str]) -> list[str]:
    """What follows an option that a sentence names without its value."""
    takes = {opt for param in command.params for opt in param.opts if not getattr(param, "is_flag", False)}
    return ["1"] if rest and rest[-1] in takes and rest[-1].startswith("--") else []


AWS = sorted({(step.page, step.words[1:]) for step in STEPS if step.words[0] == "aws" and step.words[1] != "s3"})


@pytest.mark.parametrize(("page", "words"), AWS, ids=lambda said: said if isinstance(said, str) else "-".join(said[:2]))
def test_every_command_of_awss_is_an_operation_with_these_parameters(page: str, words: tuple[str, ...]) -> None:
    service, operation, *rest = words
    if operation in ("deploy", "wait", "get-login-password", "package"):  # what the AWS CLI adds by itself
        return
    model = botocore.session.get_session().get_service_model(service)
    known = {xform_name(name, "-"): name for name in model.operation_names}
    members = {xform_name(name, "-") for name in model.operation_model(known[operation]).input_shape.members}
    given = {word.removeprefix("--").removeprefix("no-") for word in rest if word.startswith("--")}
    assert given - {"region", "query", "output", "profile"} <= members


TARGETS = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE))
MADE = sorted(
    {(step.page, word) for step in STEPS if step.words[0] == "make" for word in step.words[1:2]}
    | {
        (str(page.relative_to(ROOT)), text.split()[1])
        for page in PAGES
        for text in inline(page)
        if text.startswith("make ")
    }
)


@pytest.mark.parametrize(("page", "target"), [one for one in MADE if "=" not in one[1]])
def test_every_target_of_make_that_is_named_is_there_with_its_help(page: str, target: str) -> None:
    assert target in TARGETS


def test_these_tests_see_what_is_typed() -> None:
    assert ("docs/sync.md", "Sync") in RUN
    assert [step.words[:3] for step in RUN["docs/sync.md", "Sync"] if step.words[0] == "darkroom"] == [
        ("darkroom", "sync", "configure"),
        ("darkroom", "sync", "dryrun"),
        ("darkroom", "sync", "sync"),
    ]
    assert len(RUN) >= 12
