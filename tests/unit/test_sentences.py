"""What pydantic finds wrong is said in words for people, whatever it is."""

import re
from typing import Literal, get_args

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core.core_schema import ErrorType

from darkroom.errors import BadInput
from darkroom.jobs import Manifest, parse
from darkroom.sentences import sentence, sentences
from darkroom.settings import settings

JARGON = re.compile(
    r"input should|extra inputs|field required|value error|string should|pydantic|valid (string|integer)|permitted|"
    r"\b(int|str|dict|tuple|NoneType)\b",
    re.IGNORECASE,
)


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(default=0, ge=0)
    mode: Literal["plan", "all"] = "plan"
    prefixes: tuple[str, ...] = ()
    name: str = Field(default="a", min_length=1, max_length=3)
    done: bool = False

    @field_validator("name")
    @classmethod
    def _no_slash(cls, name: str) -> str:
        if "/" in name:
            raise ValueError("it holds a slash")
        return name


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"lmit": 1}, "'lmit' is not known here; did you mean 'limit'?"),
        ({"colour": 1}, "'colour' is not known here; there are limit, mode, prefixes, name, done"),
        ({"limit": "many"}, "limit: it must be a whole number, not 'many'"),
        ({"limit": 1.5}, "limit: it must be a whole number, not 1.5"),
        ({"limit": -1}, "limit: it must be 0 or more, not -1"),
        ({"limit": None}, "limit: it must be a whole number, not nothing"),
        ({"mode": "chnged"}, "mode: it must be 'plan' or 'all', not 'chnged'"),
        ({"prefixes": "1890/"}, "prefixes: it must be a list, not '1890/'"),
        ({"prefixes": ["a", 7]}, "prefixes.2: it must be text, not 7"),
        ({"name": ""}, "name: it is empty"),
        ({"name": "abcd"}, "name: it must be at most 3 characters long, not 'abcd'"),
        ({"name": "a/b"}, "name: it holds a slash, not 'a/b'"),
        ({"done": "perhaps"}, "done: it must be true or false, not 'perhaps'"),
    ],
)
def test_a_form_that_cannot_be_is_told_in_words(said: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError) as error:
        Form.model_validate(said)
    assert sentences(error.value, Form) == [sentence]


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_no_error_of_pydantics_is_told_in_its_own_words(kind: str) -> None:
    problem = {"type": kind, "loc": ("limit",), "msg": "Input should be a valid thing", "input": object, "ctx": {}}
    said = sentence(problem)  # type: ignore[arg-type]
    assert said.startswith(("limit: it ", "'limit' is ")) or kind in ("value_error", "assertion_error"), said
    assert "nput should" not in said or kind in ("value_error", "assertion_error")


def test_a_document_that_is_broken_says_where_and_no_jargon() -> None:
    for data in (b"", b"no JSON", b"[]", b"{}", b'{"planned": -1, "x": 1, "mode": "plam", "groups": []}', b"\xff"):
        with pytest.raises(BadInput) as refused:
            parse(Manifest, data, "/work/plan.json")
        for problem in refused.value.problems:
            assert problem.startswith("/work/plan.json: ")
            assert problem.endswith(".")
            assert not JARGON.search(problem), problem


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DARKROOM_WORKERS", "many", "DARKROOM_WORKERS: it must be a whole number, not 'many'; correct the variable."),
        ("DARKROOM_WORKERS", "0", "DARKROOM_WORKERS: it must be 1 or more, not '0'; correct the variable."),
        ("DARKROOM_MEMORY", "lots", "DARKROOM_MEMORY: it must be a size such as 1.5GiB, not 'lots'; correct"),
        ("DARKROOM_JOB_RUNNER", "k8s", "DARKROOM_JOB_RUNNER: it must be 'subprocess', 'docker' or 'ecs', not 'k8s'"),
        ("DARKROOM_PYRAMIDS_AT", "25:00", "DARKROOM_PYRAMIDS_AT: it must be written in another way, not '25:00'"),
        ("DARKROOM_SCAN_SOURCES", "maps=/scans", "DARKROOM_SCAN_SOURCES: it is no JSON; "),
        ("DARKROOM_SCAN_SOURCES", '["/scans"]', "DARKROOM_SCAN_SOURCES: it must be keys with values, not a list"),
    ],
)
def test_a_setting_that_cannot_be_is_bad_input_by_its_variables_name(
    name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    settings.cache_clear()
    try:
        with pytest.raises(BadInput) as refused:
            settings()
    finally:
        settings.cache_clear()
    (problem,) = refused.value.problems
    assert problem.startswith(said), problem
    assert not JARGON.search(problem)


def test_the_query_of_an_address_is_never_shown() -> None:
    with pytest.raises(ValidationError) as error:
        Form.model_validate({"name": "https://bucket/a.jpg?X-Amz-Signature=secret"})
    assert "secret" not in "".join(sentences(error.value, Form))
