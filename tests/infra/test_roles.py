"""Each role may do what its flow was seen to do, and nothing else."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.infra.evidence import Evidence, gathered
from tests.infra.flows_on_aws import AIRFLOW, FLOWS
from tests.infra.iam import Call, allowed
from tests.infra.stack import ACCOUNT, NAME, REGION

pytestmark = pytest.mark.slow

ROLES = (*FLOWS, AIRFLOW)
WRITES = ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")
TLS = {"aws:SecureTransport": "true"}
_BY_SNS = "SNS asks the key itself, for whoever publishes to an encrypted topic"
UNSEEN = {AIRFLOW: {("EncryptsAlerts", "kms:Decrypt"): _BY_SNS, ("EncryptsAlerts", "kms:GenerateDataKey*"): _BY_SNS}}
"""The rights that no call of the tests needs, by the statement's name and the action, with the reason; by role."""

# what the agent asks for when it starts a worker
# (https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task_execution_IAM_role.html)
OF_THE_AGENT = [
    ("ecr:GetAuthorizationToken", "*"),
    ("ecr:BatchCheckLayerAvailability", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{NAME}-imaging"),
    ("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{NAME}-imaging"),
    ("ecr:GetDownloadUrlForLayer", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/{NAME}-imaging"),
    ("logs:CreateLogStream", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/{NAME}/workers:log-stream:a/worker/1"),
    ("logs:PutLogEvents", f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/{NAME}/workers:log-stream:a/worker/1"),
    ("ssm:GetParameters", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{NAME}/secrets/wordpress-user"),
]


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evidence]:
    with gathered(tmp_path_factory.mktemp("studio")) as found:
        yield found


def s3(action: str, bucket: str, key: str = "") -> Call:
    name = f"arn:aws:s3:::{NAME}-{bucket}-{ACCOUNT}"
    return Call(f"s3:{action}", f"{name}/{key}" if key else name, TLS)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_all_that_its_flow_does(evidence: Evidence, role: str) -> None:
    assert len(evidence.calls[role]) > 10
    assert [str(call) for call in evidence.calls[role] if not evidence.may(role, call)] == []


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_no_right_that_nothing_needs(evidence: Evidence, role: str) -> None:
    unused = {(sid, action) for sid, action, _ in evidence.rights(role) - evidence.used(role)}
    assert unused == set(UNSEEN.get(role, {}))


@pytest.mark.parametrize("role", ROLES)
def test_without_any_one_of_its_rights_a_flow_cannot_do_its_work(evidence: Evidence, role: str) -> None:
    for statement in evidence.statements(role):
        for action in statement.actions:
            for resource in statement.resources:
                if (statement.sid, action) in UNSEEN.get(role, {}):
                    continue
                less = [one for one in evidence.statements(role) if one is not statement and one.sid != statement.sid]
                others = tuple(one for one in statement.actions if one != action)
                kept = [replace(statement, actions=others)] if others else []
                elsewhere = tuple(one for one in statement.resources if one != resource)
                kept += [replace(statement, actions=(action,), resources=elsewhere)] if elsewhere else []
                denied = [call for call in evidence.calls[role] if not allowed(call, [*less, *kept])]
                assert denied, f"{statement.sid}: nothing needs {action} on {resource}"


@pytest.mark.parametrize("role", FLOWS)
def test_no_flow_may_write_what_another_one_writes(evidence: Evidence, role: str) -> None:
    for other in FLOWS:
        writes = [call for call in evidence.calls[other] if call.action in WRITES]
        assert writes
        if other != role:
            kept_logs = [call for call in writes if "-logs-" not in call.resource]
            assert [str(call) for call in kept_logs if evidence.may(role, call)] == []


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "call",
    [
        s3("PutBucketPolicy", "studio"),
        s3("PutLifecycleConfiguration", "studio"),
        s3("PutBucketVersioning", "archive"),
        s3("DeleteBucket", "scans"),
        s3("DeleteObjectVersion", "studio", "renders/raw/tiny/a.png"),
        s3("DeleteObjectVersion", "archive", "a.tif"),
        s3("GetObjectVersion", "studio", "state/renders/tiny.json"),
        s3("PutObjectAcl", "images", "a.tif"),
        Call("s3:ListAllMyBuckets", "*", TLS),
        Call("s3:GetObject", "arn:aws:s3:::another-bucket/a", TLS),
        Call("s3:PutObject", f"arn:aws:s3:::{NAME}-studio-999999999999/work/a", TLS),
        Call("iam:CreateUser", f"arn:aws:iam::{ACCOUNT}:user/me", TLS),
        Call("iam:PutRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/{NAME}-airflow", TLS),
        Call(
            "iam:PassRole",
            f"arn:aws:iam::{ACCOUNT}:role/admin",
            {**TLS, "iam:PassedToService": "ecs-tasks.amazonaws.com"},
        ),
        Call("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/{NAME}-airflow", TLS),
        Call("ssm:GetParameters", f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{NAME}/secrets/wordpress-user", TLS),
        Call("ecs:RegisterTaskDefinition", "*", TLS),
        Call("sqs:PurgeQueue", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}-scans", TLS),
    ],
    ids=lambda call: f"{call.action} {call.resource.rpartition(':')[2]}",
)
def test_what_no_role_may(evidence: Evidence, role: str, call: Call) -> None:
    assert not evidence.may(role, call)


@pytest.mark.parametrize(
    ("role", "call"),
    [
        ("render_ingest", s3("DeleteObject", "studio", "renders/composites/tiny/800x800/default-mini-front-0000.png")),
        ("render_ingest", s3("PutObject", "studio", "state/ingest/tiny/cursor.json")),
        ("render_ingest", s3("DeleteObject", "studio", "renders/raw/tiny/a.png")),
        ("combination_compositing", s3("PutObject", "studio", "renders/raw/tiny/a.png")),
        ("combination_compositing", s3("PutObject", "studio", "work/combination_compositing_too/a")),
        ("combination_compositing", s3("DeleteObject", "studio", "renders/composites/tiny/800x800/a.png")),
        ("nightly_pyramids", s3("PutObject", "scans", "maps/a.tif")),
        ("nightly_pyramids", s3("DeleteObject", "images", "maps/a.tif")),
        ("nightly_pyramids", s3("DeleteObject", "studio", "process/scans/1.json")),
        ("gcs_archive_sync", s3("PutObject", "images", "maps/a.tif")),
        ("gcs_archive_sync", s3("GetObject", "studio", "renders/raw/tiny/a.png")),
        ("local_s3_sync", s3("GetObject", "studio", "state/archive/due/a.json")),
        ("local_s3_sync", s3("ListBucket", "scans")),
        ("airflow", s3("PutObject", "studio", "renders/raw/tiny/a.png")),
        ("airflow", s3("PutObject", "studio", "renders/composites/tiny/800x800/a.png")),
        ("airflow", s3("DeleteObject", "studio", "state/renders/tiny.json")),
        ("airflow", s3("DeleteObject", "archive", "a.tif")),
        ("airflow", s3("PutObject", "shop", "stores/corner/photos/1.jpg")),
        ("airflow", replace(s3("ListBucketVersions", "studio"), context={**TLS, "s3:prefix": "state/"})),
        ("airflow", s3("ListBucketVersions", "studio")),
    ],
)
def test_what_is_another_ones_work(evidence: Evidence, role: str, call: Call) -> None:
    assert not evidence.may(role, call)


def test_airflow_starts_and_stops_workers_of_its_own_cluster_only(evidence: Evidence) -> None:
    elsewhere = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/another"
    own = [call for call in evidence.calls[AIRFLOW] if call.action.startswith("ecs:") and "ecs:cluster" in call.context]
    assert {call.action for call in own} == {"ecs:RunTask", "ecs:DescribeTasks", "ecs:StopTask", "ecs:ListTasks"}
    for call in own:
        assert not evidence.may(AIRFLOW, replace(call, context={**call.context, "ecs:cluster": elsewhere}))


def test_airflow_hands_a_workers_role_to_ecs_only_and_no_other_role(evidence: Evidence) -> None:
    passed = [call for call in evidence.calls[AIRFLOW] if call.action == "iam:PassRole"]
    assert len(passed) == 5
    to_ecs = passed[0].context
    for call in passed:
        assert not evidence.may(AIRFLOW, replace(call, context={"iam:PassedToService": "lambda.amazonaws.com"}))
    for name in ("airflow", "local_s3_sync"):
        role = f"arn:aws:iam::{ACCOUNT}:role/{NAME}-{name}"
        assert not evidence.may(AIRFLOW, Call("iam:PassRole", role, to_ecs))


def test_what_comes_without_tls_is_denied_whoever_asks(evidence: Evidence) -> None:
    for role in ROLES:
        for call in evidence.calls[role]:
            if call.action.startswith("s3:"):
                assert not evidence.may(role, replace(call, context={**call.context, "aws:SecureTransport": "false"}))


def test_the_agent_may_start_a_worker_with_its_secrets_and_no_more(evidence: Evidence) -> None:
    statements = evidence.statements("execution")
    for action, resource in OF_THE_AGENT:
        assert allowed(Call(action, resource), statements), action
    assert {action for one in statements for action in one.actions} == {action for action, _ in OF_THE_AGENT}
    settings = f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/{NAME}/settings/DARKROOM_JOB_RUNNER"
    assert not allowed(Call("ssm:GetParameters", settings), statements)
    assert not allowed(Call("ecr:BatchGetImage", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/another"), statements)
    assert not allowed(s3("GetObject", "studio", "work/a"), statements)
