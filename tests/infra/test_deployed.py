"""infra/darkroom.yaml, deployed to moto: what then stands."""

import json
import os
import re
import subprocess
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

from darkroom import keys
from darkroom.machines import MACHINES
from darkroom.settings import Settings
from tests.infra.iam import Call, allowed, read
from tests.infra.stack import ACCOUNT, NAME, PASSED_OVER, REGION, UNKNOWN, Stack, template
from tests.servers.moto import moto_s3

BUCKETS = ("studio", "scans", "images", "archive", "shop", "logs")
DAY, FORTNIGHT = 86_400, 1_209_600


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with moto_s3() as server:
        yield Stack(
            server.endpoint, Dropbox="yes", GoogleStorage="yes", WordPress="yes", AlertEmail="qa@studio.example"
        )


def test_motos_cloudformation_knows_all_but_what_is_listed() -> None:
    """What the tests make by a service's own API, instead. Shorten the list where a newer moto knows more."""
    from moto.cloudformation.parsing import get_model_map

    kinds = {one["Type"] for one in template()["Resources"].values()}
    assert kinds - get_model_map().keys() == UNKNOWN
    assert {kind for kind in PASSED_OVER if kind in kinds} == PASSED_OVER.keys()


@pytest.mark.parametrize("what", BUCKETS)
def test_nobody_else_sees_a_bucket_and_nothing_in_it_is_lost(stack: Stack, what: str) -> None:
    s3, bucket = stack.client("s3"), stack.bucket(what)
    closed = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert list(closed.values()) == [True] * 4
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    # with KMS an ETag would be no MD5, and nothing small would be proven by it
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    (owner,) = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert owner["ObjectOwnership"] == "BucketOwnerEnforced"


@pytest.mark.parametrize("what", BUCKETS)
def test_a_bucket_is_open_by_tls_only(stack: Stack, what: str) -> None:
    (document,) = (
        one["PolicyDocument"]
        for one in stack.of_type("AWS::S3::BucketPolicy").values()
        if one["Bucket"] == stack.bucket(what)
    )
    policy = read(document, of_resource=True)
    assert [one.principals for one in policy] == [(("*", "*"),)]
    everything = read({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]})
    for resource in (f"arn:aws:s3:::{stack.bucket(what)}", f"arn:aws:s3:::{stack.bucket(what)}/a/b"):
        for secure in (True, False):
            call = Call("s3:GetObject", resource, {"aws:SecureTransport": str(secure).lower()})
            assert allowed(call, everything, policy) is secure


@pytest.mark.parametrize("what", BUCKETS)
def test_unfinished_uploads_go_and_only_what_can_be_made_again_expires(stack: Stack, what: str) -> None:
    rules = stack.client("s3").get_bucket_lifecycle_configuration(Bucket=stack.bucket(what))["Rules"]
    assert all(rule["Status"] == "Enabled" for rule in rules)
    assert [
        rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"]
        for rule in rules
        if "AbortIncompleteMultipartUpload" in rule
    ] == [2]
    expiring = {
        rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in rules if "Days" in rule.get("Expiration", {})
    }
    assert expiring == {
        "studio": {keys.WORK: 30, keys.REMOVED: 180},
        "shop": {keys.REMOVED: 180},
        "logs": {"": 90},
    }.get(what, {})
    old = {rule["Filter"]["Prefix"] for rule in rules if "NoncurrentVersionExpiration" in rule}
    kept = {"scans": set(), "archive": set(), "studio": {keys.WORK, "state/leases/", "state/", "renders/composites/"}}
    assert old == kept.get(what, {""})


def test_plans_leave_no_versions_behind(stack: Stack) -> None:
    rules = stack.client("s3").get_bucket_lifecycle_configuration(Bucket=stack.bucket("studio"))["Rules"]
    (work,) = (rule for rule in rules if rule["Filter"]["Prefix"] == keys.WORK)
    assert work["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1
    assert [rule["ID"] for rule in rules if rule.get("Expiration", {}).get("ExpiredObjectDeleteMarker")] == [
        "delete-markers"
    ]


def test_of_a_ledger_the_last_ten_versions_stay_a_month_and_of_a_lease_none_does(stack: Stack) -> None:
    rules = stack.properties("StudioBucket")["LifecycleConfiguration"]["Rules"]
    old = {rule.get("Prefix", ""): rule.get("NoncurrentVersionExpiration") for rule in rules}
    assert old["state/"] == {"NoncurrentDays": 30, "NewerNoncurrentVersions": 10}
    assert old["state/leases/"] == {"NoncurrentDays": 1}


def test_a_worker_of_pyramids_has_room_for_scans(stack: Stack) -> None:
    assert stack.properties("NightlyPyramidsWorker")["EphemeralStorage"] == {"SizeInGiB": 100}


def test_the_queue_keeps_messages_a_fortnight_and_gives_up_after_five_nights(stack: Stack) -> None:
    sqs = stack.client("sqs")
    for name in (f"{NAME}-scans", f"{NAME}-scans-dead"):
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        said = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert int(said["MessageRetentionPeriod"]) == FORTNIGHT
        assert [one["SqsManagedSseEnabled"] for one in stack.of_type("AWS::SQS::Queue").values()] == [True, True]
        if name == f"{NAME}-scans":
            redrive = json.loads(said["RedrivePolicy"])
            assert redrive["deadLetterTargetArn"] == f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}-scans-dead"
            assert redrive["maxReceiveCount"] == 5


def test_an_upload_of_a_scan_comes_into_the_queue(stack: Stack) -> None:
    sqs, s3 = stack.client("sqs"), stack.client("s3")
    url = sqs.get_queue_url(QueueName=f"{NAME}-scans")["QueueUrl"]
    sqs.purge_queue(QueueUrl=url)
    s3.put_object(Bucket=stack.bucket("scans"), Key="maps/a b.tif", Body=b"a scan")
    s3.put_object(Bucket=stack.bucket("images"), Key="maps/a.tif", Body=b"a pyramid, of which nobody is told")
    end = time.monotonic() + 20
    found: list[str] = []
    while not found and time.monotonic() < end:
        found = [one["Body"] for one in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])]
    (record,) = json.loads(found[0])["Records"]
    assert len(found) == 1
    told = (record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))
    assert told == (stack.bucket("scans"), "maps/a b.tif")


def test_only_s3_and_only_of_this_bucket_and_account_may_send_to_the_queue(stack: Stack) -> None:
    (document,) = (one["PolicyDocument"] for one in stack.of_type("AWS::SQS::QueuePolicy").values())
    policy = read(document, of_resource=True)
    allow = [one for one in policy if one.allows]
    assert [one.principals for one in allow] == [(("Service", "s3.amazonaws.com"),)]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}-scans"
    sent = {"aws:SourceArn": f"arn:aws:s3:::{stack.bucket('scans')}", "aws:SourceAccount": ACCOUNT}
    assert allowed(Call("sqs:SendMessage", queue, sent), policy)
    for wrong in ({"aws:SourceArn": "arn:aws:s3:::others"}, {"aws:SourceAccount": "999999999999"}):
        assert not allowed(Call("sqs:SendMessage", queue, {**sent, **wrong}), policy)
    assert not allowed(Call("sqs:ReceiveMessage", queue, sent), policy)
    assert not allowed(Call("sqs:SendMessage", queue, {**sent, "aws:SecureTransport": "false"}), policy)


def test_what_waits_too_long_or_is_given_up_alarms_somebody(stack: Stack) -> None:
    alarms = {one["AlarmName"]: one for one in stack.client("cloudwatch").describe_alarms()["MetricAlarms"]}
    assert alarms.keys() == {f"{NAME}-scans-wait", f"{NAME}-scans-dead"}
    wait, dead = alarms[f"{NAME}-scans-wait"], alarms[f"{NAME}-scans-dead"]
    assert (wait["MetricName"], wait["Dimensions"][0]["Value"]) == ("ApproximateAgeOfOldestMessage", f"{NAME}-scans")
    assert DAY < wait["Threshold"] < FORTNIGHT
    assert (dead["MetricName"], dead["Threshold"]) == ("ApproximateNumberOfMessagesVisible", 0)
    assert dead["Dimensions"][0]["Value"] == f"{NAME}-scans-dead"
    for one in (wait, dead):
        asked = (one["Namespace"], one["Statistic"], one["ComparisonOperator"], one["EvaluationPeriods"])
        assert asked == ("AWS/SQS", "Maximum", "GreaterThanThreshold", 1)
        assert one["TreatMissingData"] == "notBreaching", "SQS says nothing of a queue that is empty"
    assert wait["OKActions"] == [stack.outputs["Alerts"]]
    topic = stack.outputs["Alerts"]
    assert [one["AlarmActions"] for one in alarms.values()] == [[topic]] * 2
    sns = stack.client("sns")
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["KmsMasterKeyId"]
    (told,) = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (told["Protocol"], told["Endpoint"]) == ("email", "qa@studio.example")


def test_alarms_can_use_the_topics_key(stack: Stack) -> None:
    """CloudWatch cannot use the key that AWS keeps for SNS: its alarms would be lost without a word."""
    (key,) = stack.of_type("AWS::KMS::Key").values()
    assert key["EnableKeyRotation"] is True
    alarms = [
        one for one in key["KeyPolicy"]["Statement"] if one["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    ]
    assert [one["Action"] for one in alarms] == [["kms:Decrypt", "kms:GenerateDataKey*"]]
    assert [one["Condition"] for one in alarms] == [{"StringEquals": {"aws:SourceAccount": ACCOUNT}}]
    (policy,) = (one["PolicyDocument"] for one in stack.of_type("AWS::SNS::TopicPolicy").values())
    statements = read(policy, of_resource=True)
    topic = stack.outputs["Alerts"]
    source = {
        "aws:SourceArn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{NAME}-scans-wait",
        "aws:SourceAccount": ACCOUNT,
    }
    assert allowed(Call("sns:Publish", topic, source), statements)
    another = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:of-somebody-else"
    for wrong in ({"aws:SourceAccount": "999999999999"}, {"aws:SourceArn": another}):
        assert not allowed(Call("sns:Publish", topic, {**source, **wrong}), statements)


def test_a_cluster_prefers_spot_machines_and_has_both_kinds(stack: Stack) -> None:
    (found,) = stack.client("ecs").describe_clusters(clusters=[NAME])["clusters"]
    assert found["capacityProviders"] == ["FARGATE", "FARGATE_SPOT"]
    weights = {one["capacityProvider"]: one["weight"] for one in found["defaultCapacityProviderStrategy"]}
    assert weights == {"FARGATE_SPOT": 4, "FARGATE": 1}


def test_images_are_scanned_never_replaced_and_not_kept_for_ever(stack: Stack) -> None:
    repositories = stack.client("ecr").describe_repositories()["repositories"]
    assert {one["repositoryName"] for one in repositories} == {f"{NAME}-imaging", f"{NAME}-airflow"}
    for one in repositories:
        assert one["imageTagMutability"] == "IMMUTABLE"
    for properties in stack.of_type("AWS::ECR::Repository").values():
        assert properties["ImageScanningConfiguration"] == {
            "ScanOnPush": True
        }  # which moto keeps in letters of its own
        assert len(json.loads(properties["LifecyclePolicy"]["LifecyclePolicyText"])["rules"]) == 2


def test_each_flow_on_ecs_has_a_definition_with_its_own_role_and_secrets(stack: Stack) -> None:
    definitions = {one["Family"]: one for one in stack.of_type("AWS::ECS::TaskDefinition").values()}
    secrets = {
        family.removeprefix(f"{NAME}-"): [one["Name"] for one in found["ContainerDefinitions"][0].get("Secrets", [])]
        for family, found in definitions.items()
    }
    assert secrets == {
        "render_ingest": ["DARKROOM_DROPBOX_REFRESH_TOKEN", "DARKROOM_DROPBOX_APP_KEY", "DARKROOM_DROPBOX_APP_SECRET"],
        "combination_compositing": [],
        "nightly_pyramids": [],
        "gcs_archive_sync": [
            "GOOGLE_CREDENTIALS",
            "WORDPRESS_USER",
            "WORDPRESS_APPLICATION_PASSWORD",
            "WORDPRESS_SITE",
        ],
    }
    small = MACHINES["small"]
    for family, found in definitions.items():
        assert found["TaskRoleArn"].endswith(f":role/{family}")
        assert (int(found["Cpu"]) // 1024, int(found["Memory"]) << 20) == (small.cpus, small.memory)
        assert found["ExecutionRoleArn"].endswith(f":role/{NAME}-execution")
        assert (found["RequiresCompatibilities"], found["NetworkMode"]) == (["FARGATE"], "awsvpc")
        (worker,) = found["ContainerDefinitions"]
        assert worker["ReadonlyRootFilesystem"] is True
        assert worker["LinuxParameters"] == {"InitProcessEnabled": True}, "else a stop does not reach the worker"
        assert worker["MountPoints"] == [{"SourceVolume": "tmp", "ContainerPath": "/tmp"}]  # noqa: S108 the container's
        assert worker["Image"] == f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{NAME}-imaging:1"
        assert worker["LogConfiguration"]["Options"]["awslogs-group"] == f"/{NAME}/workers"


def test_without_other_services_no_secret_is_asked_for() -> None:
    with moto_s3() as server:
        stack = Stack(server.endpoint)
        for found in stack.of_type("AWS::ECS::TaskDefinition").values():
            (worker,) = found["ContainerDefinitions"]
            assert (worker.get("Secrets", []), worker.get("EntryPoint")) == ([], None)
        assert not stack.of_type("AWS::SNS::Subscription")


def test_googles_credentials_become_a_file_that_only_the_worker_reads(stack: Stack, tmp_path: Path) -> None:
    (worker,) = stack.properties("GcsArchiveSyncWorker")["ContainerDefinitions"]
    command = [one.replace("/tmp/", f"{tmp_path}/") for one in worker["EntryPoint"]]  # noqa: S108 the container's
    stands_in = tmp_path / "darkroom-worker"
    stands_in.write_text(
        '#!/bin/sh\nprintf "%s\\n" "$@" "$GOOGLE_APPLICATION_CREDENTIALS" "${GOOGLE_CREDENTIALS-none}"\n'
    )
    stands_in.chmod(0o755)
    secret = '{"type": "service_account", "private_key": "-----BEGIN\\nkey%s"}'
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "GOOGLE_CREDENTIALS": secret}
    ran = subprocess.run([*command, "job", "run", "s3://a b/c"], env=environment, capture_output=True, text=True)
    file = tmp_path / "google.json"
    assert ran.stdout.splitlines() == ["job", "run", "s3://a b/c", str(file), "none"]
    assert (file.read_text(), file.stat().st_mode & 0o777) == (secret, 0o600)


def test_nobody_reaches_a_worker_and_a_worker_reaches_the_web_only(stack: Stack) -> None:
    found = stack.client("ec2").describe_security_groups(
        Filters=[{"Name": "group-name", "Values": [f"{NAME}-workers"]}]
    )
    (group,) = found["SecurityGroups"]
    assert group["IpPermissions"] == []
    said = stack.of_type("AWS::EC2::SecurityGroup")["WorkersNetwork"]["SecurityGroupEgress"]
    assert sorted(one["FromPort"] for one in said) == [80, 443]


def test_the_workers_log_is_not_kept_for_ever(stack: Stack) -> None:
    (group,) = stack.client("logs").describe_log_groups(logGroupNamePrefix=f"/{NAME}/")["logGroups"]
    assert (group["logGroupName"], group["retentionInDays"]) == (f"/{NAME}/workers", 30)


def test_only_who_works_as_it_may_take_on_a_role(stack: Stack) -> None:
    trusted = {
        one["RoleName"].removeprefix(f"{NAME}-"): [
            (kind, name)
            for statement in one["AssumeRolePolicyDocument"]["Statement"]
            for kind, name in statement["Principal"].items()
        ]
        for one in stack.of_type("AWS::IAM::Role").values()
    }
    account = ("AWS", f"arn:aws:iam::{ACCOUNT}:root")
    tasks = [("Service", "ecs-tasks.amazonaws.com")]
    airflow = [("Service", "ec2.amazonaws.com"), ("Service", "pods.eks.amazonaws.com"), account]
    on_ecs = dict.fromkeys(("render_ingest", "combination_compositing", "nightly_pyramids", "gcs_archive_sync"), tasks)
    assert trusted == {"execution": tasks, **on_ecs, "local_s3_sync": [account], "airflow": airflow}
    for one in stack.of_type("AWS::IAM::Role").values():
        for statement in one["AssumeRolePolicyDocument"]["Statement"]:
            if statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}:
                from_here = {"aws:SourceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:*"}
                assert statement["Condition"] == {
                    "ArnLike": from_here,
                    "StringEquals": {"aws:SourceAccount": ACCOUNT},
                }, "ECS of another account has no say here"


def test_its_settings_are_all_that_airflow_needs_to_find_it(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("DARKROOM_")]:
        monkeypatch.delenv(name)
    for name, value in stack.settings().items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert settings.studio_store == f"s3://{stack.bucket('studio')}"
    assert settings.image_store == f"s3://{stack.bucket('images')}"
    assert settings.scan_sources == {"scans": f"s3://{stack.bucket('scans')}"}
    assert re.fullmatch(rf"https://sqs\.{REGION}\.amazonaws\.com/{ACCOUNT}/{NAME}-scans", settings.scan_queue)
    assert (settings.job_runner, settings.ecs_cluster) == ("ecs", NAME)
    families = {one["Family"] for one in stack.of_type("AWS::ECS::TaskDefinition").values()}
    flows = ("render_ingest", "combination_compositing", "nightly_pyramids", "gcs_archive_sync")
    assert {settings.ecs_task_definition.replace("{dag}", dag) for dag in flows} == families
    assert settings.ecs_subnets.startswith("subnet-")
    assert settings.ecs_security_groups.startswith("sg-")


def test_another_hour_of_the_night_is_one_parameter() -> None:
    with moto_s3() as server, warnings.catch_warnings():
        settings = Stack(server.endpoint, PyramidsAt="22:15").settings()
    assert settings["DARKROOM_PYRAMIDS_AT"] == "22:15"
