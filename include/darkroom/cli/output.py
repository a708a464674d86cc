"""`--json`: one JSON object a line on the standard output, and everything else on the error stream."""

import json
from typing import Annotated, Any

import typer
from pydantic import BaseModel

Json = Annotated[
    bool,
    typer.Option("--json", help="Print JSON, one object a line; what is no result goes to the error stream."),
]


def print_json(result: BaseModel | dict[str, Any]) -> None:
    """One line of a command's result; a document's are those of its `--report`."""
    # not typer's echo, which flushes each line
    print(result.model_dump_json() if isinstance(result, BaseModel) else json.dumps(result))


def shown(name: str) -> str:
    """A name on one line: a line break in it would be two, and a terminal obeys control characters."""
    return name if name.isprintable() else ascii(name)[1:-1]
