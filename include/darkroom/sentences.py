"""What pydantic finds wrong with a document, a form or a setting, in words for people."""

import difflib
import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_LONGEST = 60  # characters of a value that are shown

# what was expected, by how pydantic's name of an error begins; a more exact name stands before its beginning
_EXPECTED = {
    "int_": "a whole number",
    "float_": "a number",
    "finite_number": "a number",
    "bool_": "true or false",
    "string_too_short": "at least {min_length} characters long",
    "string_too_long": "at most {max_length} characters long",
    "string_pattern": "written in another way",
    "string_": "text",
    "path_": "a path",
    "too_short": "at least {min_length} long",
    "too_long": "at most {max_length} long",
    "list_": "a list",
    "tuple_": "a list",
    "set_": "a list",
    "dict_": "keys with values",
    "model_": "keys with values",
    "literal_error": "{expected}",
    "enum": "{expected}",
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
    "byte_size": "a size such as 1.5GiB",
    "timezone": "a time with its zone, such as 2026-11-01T05:30:00Z",
    "datetime": "a date with a time, such as 2026-11-01T05:30:00Z",
}
_OWN_WORDS = ("value_error", "assertion_error")  # those of our own checks


def sentences(error: ValidationError, model: type[BaseModel], *, most: int = 20) -> list[str]:
    """Every problem (at most so many) as `key: what it must be, not what it is`, without a full stop."""
    return [sentence(problem, model) for problem in error.errors(include_url=False)[:most]]


def sentence(problem: ErrorDetails, model: type[BaseModel] | None = None) -> str:
    """One problem in words, without a full stop. `model` knows the keys that may have been meant.

    A problem that came without its input (`include_input=False`) is told without it: it may hold a secret.
    """
    where, kind = key(problem["loc"]), problem["type"]
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        return f"{where!r} is not known here{did_you_mean(str(problem['loc'][-1]), _keys(model, problem['loc']))}"
    if kind.startswith("missing"):
        return f"{where!r} is missing"
    if kind == "json_invalid" or kind == "json_type":
        at = re.search(r"line \d+ column \d+", problem["msg"])
        return f"{where + ': ' if where else ''}it is no JSON{f' ({at[0]})' if at else ''}"
    return f"{where + ': ' if where else ''}{wrong(problem)}"


def wrong(problem: ErrorDetails) -> str:
    """What is wrong with a value, without its key."""
    context = problem.get("ctx", {})
    if problem["type"] in _OWN_WORDS:
        return str(context.get("error", problem["msg"])) + _not(problem)
    for kind, expected in _EXPECTED.items():
        if problem["type"].startswith(kind):
            if context.get("min_length") == 1 and "long" in expected:
                return "it is empty"
            return f"it must be {expected.format_map(_Known(context))}{_not(problem)}"
    return f"it is not what is expected here{_not(problem)}"


def key(path: Iterable[str | int]) -> str:
    """A part of a document as people name it.

    >>> key(("options", 2, "one of"))
    'options.3.one of'
    """
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in path if part != "[key]")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The known word that was perhaps meant, or all of them.

    >>> did_you_mean("lmit", ["limit", "mode"])
    "; did you mean 'limit'?"
    >>> did_you_mean("x", ["limit", "mode"])
    '; there are limit, mode'
    """
    words = list(known)
    if close := difflib.get_close_matches(word, words, n=1):
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(words)}" if words else ""


def clip(value: Any) -> str:
    """A value as it is shown: short, on one line, and without what follows the `?` of an address, often a secret."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "keys with values"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    text = re.sub(r"(://[^?]*)\?.*", r"\1?...", repr(value), flags=re.DOTALL)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."


def _not(problem: ErrorDetails) -> str:
    return f", not {clip(problem['input'])}" if "input" in problem else ""


def _keys(model: type[BaseModel] | None, path: tuple[str | int, ...]) -> list[str]:
    """The keys of the model itself; of one inside of it nobody asks."""
    if model is None or len(path) != 1:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


class _Known(dict[str, Any]):
    """What pydantic says of an error; what it does not say is left out."""

    def __missing__(self, key: str) -> str:
        return "something else"
