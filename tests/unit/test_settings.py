"""The deployment's settings: what is taken, and what is refused."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from darkroom.errors import BadInput
from darkroom.settings import Settings, settings


@pytest.mark.parametrize("said", ["", "FARGATE", "FARGATE_SPOT=4,FARGATE=1", "studio-machines=1, FARGATE"])
def test_capacity_providers_have_weights_or_none(said: str) -> None:
    assert Settings(ecs_capacity_providers=said).ecs_capacity_providers == said


@pytest.mark.parametrize("said", ["FARGATE=", "FARGATE=many", "FARGATE:1", "FARGATE;SPOT", "FARGATE=1=2"])
def test_capacity_providers_that_cannot_be_read_are_refused(said: str) -> None:
    with pytest.raises(ValidationError, match="ecs_capacity_providers"):
        Settings(ecs_capacity_providers=said)


WRONG = ("", "abc", "-1", "1.5", "null", "[1]", '{"a": 1}', '{"a"', "\udcff", "9" * 5000, "1e400GiB", "nan", "25:00")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_a_setting_of_the_wrong_type_is_said_in_one_sentence_that_names_its_variable(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = f"DARKROOM_{name.upper()}"
    refused = []
    for value in WRONG:
        monkeypatch.setenv(variable, value)
        settings.cache_clear()
        try:
            settings()
        except BadInput as refusal:
            refused.append(refusal.problems)
        finally:
            settings.cache_clear()
    assert [len(problems) for problems in refused] == [1] * len(refused)
    assert [said for (said,) in refused if not said.startswith(variable) or len(said) > 300] == []
    text = Settings.model_fields[name].annotation in (str, Path)
    assert refused or text
