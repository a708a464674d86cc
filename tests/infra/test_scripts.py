"""infra/settings and infra/push, with programs in the place of the AWS CLI and Docker that say what they were asked."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.stack import ACCOUNT, NAME, REGION, Stack
from tests.servers.moto import moto_s3

INFRA = Path(__file__).parents[2] / "infra"
# what the AWS CLI does with this command and `--output text`
AWS_SSM = f"""#!{sys.executable}
import sys
import boto3
assert sys.argv[1:3] == ["ssm", "get-parameters-by-path"], sys.argv
assert sys.argv[5:] == ["--query", "Parameters[].[Name,Value]", "--output", "text"], sys.argv
pages = boto3.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=sys.argv[4])
for one in (one for page in pages for one in page["Parameters"]):
    print(one["Name"], one["Value"], sep="\\t")
"""
AWS_ECR = f"""#!/bin/sh
echo "aws $*" >&2
case "$2" in
    describe-repositories) echo {ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{NAME}-imaging ;;
    get-login-password) echo a-token ;;
esac
"""
DOCKER = """#!/bin/sh
echo "docker $*" >&2
case "$1" in login) cat >&2 ;; esac
"""


@pytest.fixture(scope="module")
def deployed() -> Iterator[tuple[Stack, dict[str, str]]]:
    with moto_s3() as server:
        yield Stack(server.endpoint, PyramidsAt="04:15"), server.environment()


def program(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)


def run(script: str, *words: str, path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    found = {"PATH": f"{path}:{os.environ['PATH']}", "HOME": str(path), **environment}
    return subprocess.run([INFRA / script, *words], env=found, capture_output=True, text=True, timeout=60)


def test_the_settings_come_out_as_an_environment_as_they_are(
    deployed: tuple[Stack, dict[str, str]], tmp_path: Path
) -> None:
    stack, environment = deployed
    program(tmp_path, "aws", AWS_SSM)
    ran = run("settings", NAME, path=tmp_path, **environment)
    assert ran.returncode == 0, ran.stderr
    written = dict(line.split("=", 1) for line in ran.stdout.splitlines())
    assert written == stack.settings()
    assert written["DARKROOM_PYRAMIDS_AT"] == "04:15"
    assert written["DARKROOM_SCAN_SOURCES"] == f'{{"scans": "s3://{stack.bucket("scans")}"}}'


def test_a_studio_that_is_not_there_is_said(deployed: tuple[Stack, dict[str, str]], tmp_path: Path) -> None:
    program(tmp_path, "aws", AWS_SSM)
    ran = run("settings", "nobodys", path=tmp_path, **deployed[1])
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "/nobodys/settings/ is empty: no studio of this name is deployed in this region.\n"
    assert run("settings", path=tmp_path).returncode != 0


def test_the_image_is_pushed_under_the_tag_that_the_definitions_name(tmp_path: Path) -> None:
    program(tmp_path, "aws", AWS_ECR)
    program(tmp_path, "docker", DOCKER)
    ran = run("push", NAME, "2026-11-28", path=tmp_path)
    assert ran.returncode == 0, ran.stderr
    registry = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
    image = f"{registry}/{NAME}-imaging:2026-11-28"
    assert [line for line in ran.stderr.splitlines() if not line.startswith("aws ")] == [
        f"docker login --username AWS --password-stdin {registry}",
        "a-token",
        f"docker build --platform linux/amd64 --file docker/imaging/Dockerfile --tag {image} .",
        f"docker push {image}",
    ]
