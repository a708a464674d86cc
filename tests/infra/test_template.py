"""infra/darkroom.yaml as it is written: what needs no server."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from darkroom import keys
from darkroom.settings import Settings
from tests.infra.iam import read
from tests.infra.stack import TEMPLATE, template

_LARGEST = 51_200  # bytes that CloudFormation takes without a bucket to put them in
_DATA = {"AWS::S3::Bucket", "AWS::ECR::Repository"}


def resources(kind: str) -> dict[str, dict[str, Any]]:
    return {name: one for name, one in template()["Resources"].items() if one["Type"] == kind}


def test_cfn_lint_finds_nothing() -> None:
    program = shutil.which("cfn-lint", path=Path(sys.executable).parent)
    assert program
    found = subprocess.run([program, "--", str(TEMPLATE)], capture_output=True, text=True, timeout=300)
    assert (found.returncode, found.stdout) == (0, "")


def test_it_is_deployed_by_one_command_as_it_is_small_enough() -> None:
    assert TEMPLATE.stat().st_size < _LARGEST


def test_what_holds_data_stays_when_the_stack_goes() -> None:
    for name, one in template()["Resources"].items():
        if one["Type"] in _DATA:
            assert (one["DeletionPolicy"], one["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain"), name


def test_every_policy_is_one_that_the_tests_judge() -> None:
    documents = [one["Properties"]["PolicyDocument"] for one in resources("AWS::S3::BucketPolicy").values()]
    assert len(documents) == len(resources("AWS::S3::Bucket")) == 6
    for role in resources("AWS::IAM::Role").values():
        assert not {"ManagedPolicyArns"} & role["Properties"].keys(), "what is managed elsewhere cannot be judged here"
    assert not resources("AWS::IAM::Policy") | resources("AWS::IAM::ManagedPolicy")
    for document in documents:
        assert all(isinstance(one["Condition"], dict) for one in document["Statement"])


def test_no_statement_of_a_role_is_about_everything_but_where_aws_knows_no_narrower_one() -> None:
    wide = [
        statement["Sid"]
        for role in resources("AWS::IAM::Role").values()
        for policy in role["Properties"]["Policies"]
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Resource"] == "*"
    ]
    assert wide == ["LogsInToRegistry", "FindsWorkers", "ReadsDefinitions"]


def test_each_setting_is_one_that_darkroom_has() -> None:
    names = [one["Properties"]["Name"]["Fn::Sub"] for one in resources("AWS::SSM::Parameter").values()]
    assert len(names) == len(set(names)) > 10
    for name in names:
        folder, _, variable = name.rpartition("/")
        assert folder == "/${Name}/settings"
        assert variable.removeprefix("DARKROOM_").lower() in Settings.model_fields, variable


def test_the_nights_hour_is_one_parameter_with_darkrooms_own_default() -> None:
    parameters = template()["Parameters"]
    for name, setting in (("PyramidsAt", "pyramids_at"), ("PyramidsBy", "pyramids_by")):
        assert parameters[name]["Default"] == Settings.model_fields[setting].default
        assert re.fullmatch(parameters[name]["AllowedPattern"], "22:00")
        assert not re.fullmatch(parameters[name]["AllowedPattern"], "24:00")


def test_no_secret_stands_in_the_template() -> None:
    text = TEMPLATE.read_text(encoding="utf-8")
    assert "NoEcho" not in text, "a secret as a parameter would be one of the stack's; they are put into the store"
    for definition in resources("AWS::ECS::TaskDefinition").values():
        (container,) = definition["Properties"]["ContainerDefinitions"]
        assert [one["Name"] for one in container["Environment"]] == ["AWS_DEFAULT_REGION"]
        for secret in container.get("Secrets", ()):
            _, given, _ = secret["Fn::If"]
            assert ":parameter/${Name}/secrets/" in given["ValueFrom"]["Fn::Sub"]


def test_the_image_declares_the_volume_at_tmp_so_that_fargate_gives_it_to_an_ordinary_user() -> None:
    """Without that, a bind mount of Fargate's is root's alone, and the worker, who is not root, cannot start.

    (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/bind-mounts.html)
    """
    dockerfile = TEMPLATE.parents[1] / "docker" / "imaging" / "Dockerfile"
    assert re.search(r"^VOLUME \S*/tmp\b", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)


def test_what_expires_and_who_may_write_where_are_darkrooms_own_prefixes() -> None:
    studio = template()["Resources"]["StudioBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"] for rule in studio if "ExpirationInDays" in rule}
    assert expiring == {keys.WORK, keys.REMOVED}
    written = TEMPLATE.read_text(encoding="utf-8")
    for key in (
        keys.run_folder("render_ingest", "r"),
        keys.raw_renders("s"),
        keys.proxies("s"),
        keys.cut_prefix("s", "c"),
        keys.MARKERS,
        keys.set_aside(keys.MARKERS),
        keys.copies_ledgers("a"),
        keys.synced_ledgers("a"),
        keys.FIGURES,
        keys.museum_file("f", "m"),
        *(keys.lease(flow, "a") for flow in ("ingest", "compositing", "pyramids", "archive", "sync")),
    ):
        patterns = re.findall(r"\$\{StudioBucket\.Arn\}/([^\"]+)\"", written)
        assert any(re.match(pattern.rstrip("*"), key) for pattern in patterns if pattern != "*"), key


def test_a_wrong_policy_in_the_template_would_be_seen() -> None:
    role = resources("AWS::IAM::Role")["NightlyPyramidsRole"]
    document = role["Properties"]["Policies"][0]["PolicyDocument"]
    document["Statement"][0]["Resource"] = "*/scans"
    with pytest.raises(ValueError, match="no ARN"):
        read({"Version": document["Version"], "Statement": document["Statement"][:1]})


def test_its_page_names_every_parameter_and_every_setting() -> None:
    page = (TEMPLATE.parent / "README.md").read_text(encoding="utf-8")
    for name in template()["Parameters"]:
        assert f"`{name}`" in page, name
    for one in resources("AWS::SSM::Parameter").values():
        assert f"`{one['Properties']['Name']['Fn::Sub'].rpartition('/')[2]}`" in page
