"""How every command behaves: what its help shows, what a mistyped one hears, what it says when it is interrupted."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any, ClassVar

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


class Command(TyperCommand):
    """A command whose help names values and no Python types."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the help, its paragraphs as wide as the terminal, not as the code's lines."""
        self.help = re.sub(r"(?<!\n)\n(?!\n)", " ", self.help or "")
        super().format_help(ctx, formatter)

    def get_params(self, ctx: Any) -> Any:
        """The parameters, without what a flag's or an argument's value is in Python."""
        return _plain(super().get_params(ctx))

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """`[OPTIONS] SRC... DEST`, as one types it."""
        arguments = [param.metavar or "" for param in self.get_params(ctx) if isinstance(param, TyperArgument)]
        return ["[OPTIONS]", *arguments]


class Group(TyperGroup):
    """Commands below one word. Who stops one that says nothing of its own hears that nothing was written."""

    command_class = Command

    def get_params(self, ctx: Any) -> Any:
        """As of a command."""
        return _plain(super().get_params(ctx))

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with kept(lambda: "Nothing was written; run the command again."):
            return super().invoke(ctx)


class DefaultGroup(Group):
    """Commands of which one, `default`, need not be written: what is no other's name is its first argument.

    `noun` is what such an argument is.
    """

    default: ClassVar[str]
    noun: ClassVar[str]

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            if not Path(args[0]).exists() and (close := get_close_matches(args[0], self.commands, n=1)):
                ctx.fail(f"No such command {args[0]!r}, and no such {self.noun}. Did you mean {close[0]!r}?")
            args = [self.default, *args]
        return super().parse_args(ctx, args)


@contextmanager
def kept(words: Callable[[], str]) -> Iterator[None]:
    """At Ctrl-C say what of the work is kept, and how to go on, and end with the exit code of an interruption."""
    try:
        yield
    except KeyboardInterrupt as interruption:
        typer.echo(f"Interrupted. {str(interruption) or words()}", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _plain(params: list[Any]) -> list[Any]:
    for param in params:
        if isinstance(param, TyperArgument) or (isinstance(param, TyperOption) and param.is_flag):
            param.display_type_rich = _nothing  # type: ignore[method-assign]
    return params


def _nothing(ctx: Any) -> None:
    return None
