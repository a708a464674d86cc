"""The deployment's settings: what the README says of them, and what is refused."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from darkroom.settings import Settings

README = Path(__file__).resolve().parents[2] / "README.md"


def test_the_readme_lists_every_setting_and_no_other() -> None:
    rows = re.findall(r"^\| `(DARKROOM_\w+)` \|", README.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(f"DARKROOM_{name.upper()}" for name in Settings.model_fields)


@pytest.mark.parametrize("said", ["", "FARGATE", "FARGATE_SPOT=4,FARGATE=1", "studio-machines=1, FARGATE"])
def test_capacity_providers_have_weights_or_none(said: str) -> None:
    assert Settings(ecs_capacity_providers=said).ecs_capacity_providers == said


@pytest.mark.parametrize("said", ["FARGATE=", "FARGATE=many", "FARGATE:1", "FARGATE;SPOT", "FARGATE=1=2"])
def test_capacity_providers_that_cannot_be_read_are_refused(said: str) -> None:
    with pytest.raises(ValidationError, match="ecs_capacity_providers"):
        Settings(ecs_capacity_providers=said)
