"""What IAM's policies allow: those elements that infra/'s template uses, and no guess at any other.

A policy with anything else in it is refused (`BadPolicy`), so that nothing is taken for allowed or denied that IAM
sees otherwise. (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and the
pages of the elements beside it)
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_ELEMENTS = {"Sid", "Effect", "Action", "Resource", "Condition", "Principal"}
_ACTION = re.compile(r"[a-z0-9-]+:[A-Za-z0-9*?]+")
_ARN = re.compile(r"arn:[\w-]+:[\w*-]*:[\w*-]*:[\d*]*:.+")


class BadPolicy(ValueError):
    """A policy that IAM refuses, or of which this module does not know what it means."""


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that is to be allowed: an action on a resource (an ARN), and what is known of the request."""

    action: str
    resource: str
    context: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return f"{self.action} on {self.resource}"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy."""

    sid: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    principals: tuple[tuple[str, str], ...] = ()
    """Of a policy of a resource: pairs such as `("Service", "s3.amazonaws.com")`, `("*", "*")` for everybody."""

    def covers(self, call: Call) -> bool:
        """Is it about this call?"""
        return (
            any(_like(action, call.action, any_case=True) for action in self.actions)
            and any(_like(resource, call.resource) for resource in self.resources)
            and all(_OPERATORS[name](call.context.get(key), values) for name, key, values in self.conditions)
        )


def read(document: Mapping[str, Any], *, of_resource: bool = False) -> list[Statement]:
    """A policy's statements; `of_resource`: of a bucket, a queue, a key, which say whom they are about."""
    if document.get("Version") != "2012-10-17" or document.keys() - {"Version", "Statement"}:
        raise BadPolicy(f"its version is not 2012-10-17, or it has elements that are unknown: {sorted(document)}")
    statements = [_statement(one, of_resource) for one in _many(document.get("Statement", []))]
    if not statements:
        raise BadPolicy("it has no statement")
    return statements


def allowed(call: Call, *policies: Iterable[Statement]) -> bool:
    """Do a principal's own policies, and those of what it asks for, allow a call? A denial counts above all."""
    covering = [one for policy in policies for one in policy if one.covers(call)]
    return bool(covering) and all(one.allows for one in covering)


def _statement(said: Mapping[str, Any], of_resource: bool) -> Statement:
    if unknown := said.keys() - _ELEMENTS:
        raise BadPolicy(f"elements that are unknown here: {sorted(unknown)}")
    if said.get("Effect") not in ("Allow", "Deny"):
        raise BadPolicy(f"its effect is {said.get('Effect')!r} instead of Allow or Deny")
    if ("Principal" in said) is not of_resource:
        raise BadPolicy("a resource's policy says whom it is about, and a role's does not")
    actions = tuple(_texts(said.get("Action"), "Action"))
    resources = tuple(_texts(said.get("Resource"), "Resource"))
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise BadPolicy(f"{action!r} is no action of a service")
    for resource in resources:
        if resource != "*" and not _ARN.fullmatch(resource):
            raise BadPolicy(f"{resource!r} is no ARN")
    return Statement(
        sid=said.get("Sid", ""),
        allows=said["Effect"] == "Allow",
        actions=actions,
        resources=resources,
        conditions=tuple(_conditions(said.get("Condition", {}))),
        principals=tuple(_principals(said["Principal"])) if of_resource else (),
    )


def _conditions(said: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[str, str, tuple[str, ...]]]:
    for operator, keys in said.items():
        if operator not in _OPERATORS:
            raise BadPolicy(f"the condition {operator} is unknown here")
        for key, values in keys.items():
            yield operator, key, tuple(_texts(values, f"{operator} {key}"))


def _principals(said: Any) -> Iterable[tuple[str, str]]:
    if said == "*":
        return [("*", "*")]
    if not isinstance(said, Mapping) or said.keys() - {"AWS", "Service"}:
        raise BadPolicy(f"whom it is about is unknown here: {said}")
    return [(kind, one) for kind, names in said.items() for one in _texts(names, "Principal")]


def _many(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]


def _texts(value: Any, what: str) -> Sequence[str]:
    found = _many(value)
    if not found or not all(isinstance(one, str) and one for one in found):
        raise BadPolicy(f"its {what} is {value!r}, where there must be a text or several")
    return found


def _like(pattern: str, value: str, *, any_case: bool = False) -> bool:
    """`*` is anything, also slashes and colons, and `?` one character."""
    said = "".join(".*" if one == "*" else "." if one == "?" else re.escape(one) for one in pattern)
    return re.fullmatch(said, value, re.DOTALL | (re.IGNORECASE if any_case else 0)) is not None


def _equals(value: str | None, wanted: Sequence[str]) -> bool:
    return value in wanted


def _alike(value: str | None, wanted: Sequence[str]) -> bool:
    return value is not None and any(_like(one, value) for one in wanted)


def _boolean(value: str | None, wanted: Sequence[str]) -> bool:
    return value is not None and value.lower() in [one.lower() for one in wanted]


# of a key that the request has not, none of them holds
_OPERATORS = {
    "StringEquals": _equals,
    "StringLike": _alike,
    "ArnEquals": _alike,  # IAM's own two words for one thing
    "ArnLike": _alike,
    "Bool": _boolean,
}
