"""docs/commands.md: every command with its help, from the command line itself."""

import re
from collections.abc import Iterator
from typing import Any

import typer
import typer.main

from darkroom.cli import app
from tools.pages.markdown import code, page, plain, table

_INTRODUCTION = """\
An image studio's production line. `darkroom --help` says the same on a terminal, and so does `--help` behind any
command. Where a STORE is asked for, a folder's path, `s3://bucket/prefix` and `gs://bucket/prefix` will do
([stores](stores.md)). Settings are environment variables ([configuration](configuration.md))."""

_EXIT_CODES = table(
    ("exit code", "means"),
    (
        ("0", "all fine"),
        ("1", "some items failed or were refused; each reason is said once, with what it costs"),
        ("2", "bad input, no access to a store, or nothing found where something was named: nothing was done"),
        ("70", "it did not come to its end, such as on a full disk; what is finished is kept: run it again"),
        ("130", "interrupted (Ctrl-C); what is kept and how to go on was said"),
    ),
)

_OUTPUT = """\
`--json`, where a command has it, prints one JSON object a line on the standard output, of `check` and `verify` the
document that `--report` writes; everything else goes to the error stream. Without it, `store list` and `combinations`
print one name a line, for people and pipes alike. `--dry-run` and `--mode plan` say what would be done, and write none
of it."""


def written() -> str:
    """The page."""
    found = list(commands())
    links = table(
        ("command", "does"),
        ((f"[`{name}`](#{_anchor(name)})", plain(_first_sentence(command.help))) for name, command in found),
    )
    sections = (_section(name, command) for name, command in found)
    parts = (_INTRODUCTION, _EXIT_CODES, _OUTPUT, links, *sections)
    return page("Commands", "the commands' help in include/darkroom/cli/, and tools/pages/commands.py", *parts)


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that can be run, as it is typed (`darkroom sync copy`), in the order of `--help`."""
    yield from _below("darkroom", typer.main.get_command(app))


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "list_commands"):
        yield name, command
        return
    for word in command.list_commands(None):
        yield from _below(f"{name} {word}", command.get_command(None, word))


def _section(name: str, command: Any) -> str:
    context = typer.Context(command, info_name=name)
    params = [param for param in command.get_params(context) if not getattr(param, "hidden", False)]
    usage = " ".join((name, *command.collect_usage_pieces(context)))
    rows = [_row(param, context) for param in params if param.name != "help"]
    parts = [f"## {name}", f"`{usage}`", *_help(command.help)]
    return "\n\n".join([*parts, table(("", "", "default"), rows)] if rows else parts)


def _help(text: str) -> Iterator[str]:
    """Its paragraphs; an example, which is typed, to the letter."""
    for paragraph in text.strip().split("\n\n"):
        line = " ".join(paragraph.split())
        head, colon, typed = line.partition("Example: ")
        yield f"Example: {code(typed)}" if colon and not head else plain(line)


def _row(param: Any, context: Any) -> tuple[str, str, str]:
    """An argument or option: how it is written, what it means, what it is when it is not given."""
    written, means = param.get_help_record(context)
    means, _, extra = means.partition("  [")  # such as `[default: 1; 1<=x<=10000]`
    if "required" in extra or (param.param_type_name == "argument" and param.required):
        return code(written), plain(means), "(required)"
    if default := re.search(r"default: ([^;\]]+)", extra):
        return code(written), plain(means), code(default[1])
    words, _, default_in_words = means.partition("Default: ")
    if default_in_words.count(".") == 1:  # a sentence of its own, and the last one
        return code(written), plain(words.strip()), plain(default_in_words.rstrip("."))
    return code(written), plain(means), ""


def _first_sentence(text: str) -> str:
    return " ".join(text.strip().split("\n\n")[0].split())


def _anchor(heading: str) -> str:
    """The part of an address by which GitHub leads to a heading."""
    return heading.lower().replace(" ", "-")
