"""docker-compose.yaml, and what `make env` writes for it."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from darkroom.settings import Settings
from demo import compose_up
from demo.compose_env import environment_file
from demo.compose_up import NEEDED, NotReady, read_variables, require_secrets

FILE = Path(__file__).resolve().parents[2] / "docker-compose.yaml"


@pytest.fixture(scope="module")
def stack() -> Any:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


@pytest.fixture
def written(tmp_path: Path) -> dict[str, str]:
    (tmp_path / ".env").write_text(environment_file(), encoding="utf-8")
    return read_variables(tmp_path / ".env")


def airflows(stack: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, service in stack["services"].items():
        if "AIRFLOW_IMAGE" in service["image"]:
            yield name, service


def test_every_setting_of_darkrooms_reaches_every_part_of_airflow(stack: Any) -> None:
    wanted = {f"DARKROOM_{name.upper()}" for name in Settings.model_fields}
    for name, service in airflows(stack):
        assert {one for one in service["environment"] if one.startswith("DARKROOM_")} == wanted, name


def test_what_make_env_writes_is_all_that_the_stack_asks_for(stack: Any, written: dict[str, str]) -> None:
    asked = {secret["environment"] for secret in stack["secrets"].values()}
    assert asked == set(NEEDED)
    require_secrets(written)
    required = set(re.findall(r"\$\{(\w+):\?", FILE.read_text(encoding="utf-8")))
    assert required <= set(written)


def test_no_secret_is_part_of_an_environment(stack: Any) -> None:
    said = {str(value) for service in stack["services"].values() for value in service.get("environment", {}).values()}
    assert not [value for value in said for name in NEEDED if f"{{{name}" in value]


def test_workers_know_no_more_than_the_way_to_redis(stack: Any) -> None:
    for name in ("worker", "worker-folder"):
        service = stack["services"][name]
        assert service["secrets"] == ["redis_password"]
        assert not [one for one in service["environment"] if "SQL_ALCHEMY" in one or "FERNET" in one or "JWT" in one]


def test_only_the_ui_is_published_and_only_on_loopback(stack: Any) -> None:
    ports = {name: service["ports"] for name, service in stack["services"].items() if "ports" in service}
    assert {name for name in ports if "profiles" not in stack["services"][name]} == {"api-server"}
    assert all(port.startswith("127.0.0.1:") for published in ports.values() for port in published)


def test_the_image_is_built_in_one_place_and_every_service_is_limited(stack: Any) -> None:
    assert [name for name, service in stack["services"].items() if "build" in service] == ["airflow-init"]
    for name, service in stack["services"].items():
        assert service.get("mem_limit"), name
        assert service["logging"]["options"]["max-size"], name
        assert service.get("cap_drop") == ["ALL"], name


def test_secrets_are_new_each_time() -> None:
    assert environment_file() != environment_file()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"REDIS_PASSWORD": ""}, "lacks REDIS_PASSWORD"),
        ({"POSTGRES_PASSWORD": "a/b"}, "POSTGRES_PASSWORD may hold only letters"),
    ],
)
def test_a_secret_that_no_service_could_use_is_said_before_anything_starts(
    written: dict[str, str], change: dict[str, str], said: str
) -> None:
    with pytest.raises(NotReady, match=said):
        require_secrets(written | change)


@pytest.mark.parametrize("said", ["no", "-1", "0", "65536", "8080/tcp"])
def test_a_port_that_is_none_is_said_before_anything_starts(said: str) -> None:
    with pytest.raises(NotReady, match=r"AIRFLOW_PORT is .*; write the number of a port"):
        compose_up.port_of({"AIRFLOW_PORT": said})
    assert (compose_up.port_of({}), compose_up.port_of({"AIRFLOW_PORT": "18080"})) == (8080, 18080)


def test_without_its_file_or_an_engine_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotReady, match="`make env` writes one"):
        read_variables(tmp_path / ".env")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NotReady, match="There is no docker"):
        compose_up.require_engine()


def test_a_folder_that_containers_see_is_made_for_them_and_one_that_stands_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "var" / "folder"
    compose_up.make_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o775
    folder.chmod(0o700)
    compose_up.make_folder(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
