"""The tests' own judge of IAM policies: what it allows, and the policies that it refuses to judge."""

from typing import Any

import pytest

from tests.infra.iam import BadPolicy, Call, allowed, read

BUCKET = "arn:aws:s3:::studio"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statement(**elements: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{BUCKET}/work/*", **elements}


def may(call: Call, *statements: dict[str, Any]) -> bool:
    return allowed(call, read(policy(*statements)))


@pytest.mark.parametrize(
    ("action", "asked", "covered"),
    [
        ("s3:GetObject", "s3:GetObject", True),
        ("s3:getobject", "s3:GetObject", True),
        ("s3:Get*", "s3:GetObjectVersion", True),
        ("s3:GetObject", "s3:GetObjectVersion", False),
        ("s3:*", "sqs:GetObject", False),
        ("s3:?etObject", "s3:GetObject", True),
        ("s3:?GetObject", "s3:GetObject", False),
    ],
)
def test_actions_are_meant_in_any_case_and_by_wildcards(action: str, asked: str, covered: bool) -> None:
    assert may(Call(asked, f"{BUCKET}/work/a"), statement(Action=action)) is covered


@pytest.mark.parametrize(
    ("resource", "asked", "covered"),
    [
        (f"{BUCKET}/work/*", f"{BUCKET}/work/a/b/c.json", True),
        (f"{BUCKET}/work/*", f"{BUCKET}/work", False),
        (f"{BUCKET}/work/*", f"{BUCKET}/Work/a", False),
        (f"{BUCKET}/work/*", f"{BUCKET}/workers/a", False),
        (f"{BUCKET}/*.json", f"{BUCKET}/a/b.json", True),
        (f"{BUCKET}/*.json", f"{BUCKET}/a/bxjson", False),
        (f"{BUCKET}/a?", f"{BUCKET}/ab", True),
        (f"{BUCKET}/[ab]", f"{BUCKET}/a", False),
        (BUCKET, f"{BUCKET}/a", False),
        (f"{BUCKET}*", "arn:aws:s3:::studio-of-others/a", True),
        ("*", f"{BUCKET}/a\nb", True),
    ],
)
def test_resources_are_meant_to_the_letter_and_by_wildcards(resource: str, asked: str, covered: bool) -> None:
    assert may(Call("s3:GetObject", asked), statement(Resource=resource)) is covered


def test_what_no_statement_is_about_is_denied_and_a_denial_counts_above_all() -> None:
    call = Call("s3:GetObject", f"{BUCKET}/work/a")
    everything = statement(Action="s3:*", Resource="*")
    assert not may(call, statement(Resource=f"{BUCKET}/state/*"))
    assert may(call, everything)
    assert not may(call, everything, statement(Effect="Deny"))
    assert not may(call, statement(Effect="Deny"), everything)
    bucket = read(policy(statement(Effect="Deny", Principal="*")), of_resource=True)
    assert not allowed(call, read(policy(everything)), bucket)


@pytest.mark.parametrize(
    ("condition", "context", "holds"),
    [
        ({"StringEquals": {"k": "a"}}, {"k": "a"}, True),
        ({"StringEquals": {"k": "a*"}}, {"k": "ab"}, False),
        ({"StringEquals": {"k": ["b", "a"]}}, {"k": "a"}, True),
        ({"StringEquals": {"k": "a"}}, {}, False),
        ({"StringLike": {"k": "a*"}}, {"k": "ab"}, True),
        ({"ArnEquals": {"k": "arn:aws:s3:::*"}}, {"k": "arn:aws:s3:::b"}, True),
        ({"ArnLike": {"k": "arn:aws:s3:::a"}}, {"k": "arn:aws:s3:::b"}, False),
        ({"Bool": {"k": "false"}}, {"k": "False"}, True),
        ({"Bool": {"k": "false"}}, {"k": "true"}, False),
        ({"Bool": {"k": "false"}}, {}, False),
        ({"StringEquals": {"k": "a", "l": "b"}}, {"k": "a"}, False),
        ({"StringEquals": {"k": "a"}, "Bool": {"l": "true"}}, {"k": "a", "l": "true"}, True),
    ],
)
def test_all_conditions_have_to_hold_and_of_what_is_not_known_none_does(
    condition: dict[str, Any], context: dict[str, str], holds: bool
) -> None:
    assert may(Call("s3:GetObject", f"{BUCKET}/work/a", context), statement(Condition=condition)) is holds


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (statement(Effect="allow"), "instead of Allow or Deny"),
        ({"Action": "s3:GetObject", "Resource": "*"}, "instead of Allow or Deny"),
        (statement(Action="GetObject"), "no action of a service"),
        (statement(Action="*"), "no action of a service"),
        (statement(Action=[]), "its Action is"),
        (statement(Resource="studio/work/*"), "no ARN"),
        (statement(Resource=None), "its Resource is"),
        (statement(Resource=[None]), "its Resource is"),
        (statement(NotAction="s3:*"), "unknown here: ['NotAction']"),
        (statement(NotResource="*"), "unknown here: ['NotResource']"),
        (statement(Principal="*"), "a role's does not"),
        (statement(Condition={"StringNotEquals": {"k": "a"}}), "the condition StringNotEquals is unknown"),
        (statement(Condition={"StringEqualsIfExists": {"k": "a"}}), "StringEqualsIfExists is unknown"),
        (statement(Condition={"ForAllValues:StringEquals": {"k": "a"}}), "ForAllValues:StringEquals is unknown"),
        (statement(Condition={"Bool": {"k": False}}), "there must be a text"),
    ],
)
def test_a_policy_that_is_wrong_or_not_understood_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(BadPolicy) as caught:
        read(policy(wrong))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "document",
    [
        {"Statement": [statement()]},
        {"Version": "2008-10-17", "Statement": [statement()]},
        policy(),
        {**policy(statement()), "Id": "x"},
    ],
)
def test_a_document_that_is_no_policy_of_today_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(BadPolicy):
        read(document)


def test_a_resources_policy_says_whom_it_is_about() -> None:
    with pytest.raises(BadPolicy):
        read(policy(statement()), of_resource=True)
    with pytest.raises(BadPolicy):
        read(policy(statement(Principal={"Federated": "x"})), of_resource=True)
    (found,) = read(policy(statement(Principal={"Service": "s3.amazonaws.com"})), of_resource=True)
    assert found.principals == (("Service", "s3.amazonaws.com"),)
