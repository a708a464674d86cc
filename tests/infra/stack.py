"""The template, deployed to moto: by its CloudFormation where that knows a resource, else by the service's own API.

moto resolves the template's functions; what it passes over is listed here (`UNKNOWN`, `PASSED_OVER`), so that a newer
moto that knows more is noticed.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import yaml

from tests.infra.iam import Statement, read

TEMPLATE = Path(__file__).parents[2] / "infra" / "darkroom.yaml"
ACCOUNT, REGION = "123456789012", "us-east-1"
NAME = "darkroom"

UNKNOWN = {
    "AWS::CloudWatch::Alarm",
    "AWS::ECS::ClusterCapacityProviderAssociations",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
"""The types of which moto's CloudFormation makes nothing.

All but the buckets' policies are then made by their services' own APIs. moto heeds such a policy, but not its
conditions, and so "deny what comes without TLS" denies everything: `iam` judges it instead.
"""
PASSED_OVER = {
    "AWS::S3::Bucket": (
        "LifecycleConfiguration",
        "NotificationConfiguration",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "VersioningConfiguration",
    ),
}
"""The properties that it does not set."""

Document = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms (`!Sub`), as the long ones."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> Document:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


def template() -> Document:
    """The template, its functions in their long forms."""
    document: Document = yaml.load(TEMPLATE.read_text(encoding="utf-8"), _Loader)  # noqa: S506 a safe one, as above
    return document


class Stack:
    """A deployed studio, and what its resources' properties came to."""

    def __init__(self, endpoint: str, **parameters: str) -> None:
        self._session = boto3.Session(aws_access_key_id="DEPLOYER", aws_secret_access_key="x", region_name=REGION)
        self._endpoint = endpoint
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        asked = {"Name": NAME, "VpcId": vpc, "Subnets": subnet, "ImageTag": "1", **parameters}
        self._deploy(asked)
        self._complete()

    def client(self, service: str) -> Any:
        """A client of a service, with the deployer's keys."""
        return self._session.client(service, endpoint_url=self._endpoint)  # type: ignore[call-overload]

    def properties(self, name: str) -> Document:
        """A resource's properties by its name in the template, with all functions resolved."""
        return self.resources[name]["Properties"]

    def of_type(self, kind: str) -> dict[str, Document]:
        """The properties of all resources of a type that were to be made, by name."""
        return {name: one["Properties"] for name, one in self.resources.items() if one["Type"] == kind}

    def bucket(self, what: str) -> str:
        """The name of a bucket: `studio`, `scans`, and so on."""
        return f"{NAME}-{what}-{ACCOUNT}"

    def statements(self, role: str) -> list[Statement]:
        """The statements of a role's policies, by the role's name without the studio's."""
        (found,) = (one for one in self.of_type("AWS::IAM::Role").values() if one["RoleName"] == f"{NAME}-{role}")
        return [statement for policy in found["Policies"] for statement in read(policy["PolicyDocument"])]

    def settings(self) -> dict[str, str]:
        """Airflow's settings, as they stand in the Parameter Store."""
        pages = self.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=f"/{NAME}/settings/")
        return {one["Name"].rpartition("/")[2]: one["Value"] for page in pages for one in page["Parameters"]}

    def _deploy(self, parameters: dict[str, str]) -> None:
        """Deploy the template, with each resource's resolved properties as one output more."""
        document = template()
        resources = document["Resources"]
        outputs = {
            f"Resolved{name}": {
                "Value": {"Fn::ToJsonString": one["Properties"]},
                **({"Condition": one["Condition"]} if "Condition" in one else {}),
            }
            for name, one in resources.items()
        }
        known = {name: one for name, one in resources.items() if one["Type"] not in UNKNOWN}
        for one in known.values():
            one.pop("DependsOn", None)  # of a policy that is put in place by `_complete`
        cloudformation = self.client("cloudformation")
        body = json.dumps({**document, "Resources": known, "Outputs": {**document["Outputs"], **outputs}})
        given: Any = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        cloudformation.create_stack(StackName="studio", TemplateBody=body, Parameters=given)
        stack = cloudformation.describe_stacks(StackName="studio")["Stacks"][0]
        assert stack["StackStatus"] == "CREATE_COMPLETE", stack
        said = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
        self.outputs = {name: said[name] for name in document["Outputs"]}
        self.resources = {
            name: {"Type": one["Type"], "Properties": _without_nothing(json.loads(said[f"Resolved{name}"]))}
            for name, one in resources.items()
            if f"Resolved{name}" in said
        }

    def _complete(self) -> None:
        for properties in self.of_type("AWS::SQS::QueuePolicy").values():
            policy = json.dumps(properties["PolicyDocument"])
            for url in properties["Queues"]:
                self.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        s3 = self.client("s3")
        for properties in self.of_type("AWS::S3::Bucket").values():
            for name in PASSED_OVER["AWS::S3::Bucket"]:
                if name in properties:
                    _OF_BUCKETS[name](s3, properties["BucketName"], properties[name])
        for properties in self.of_type("AWS::CloudWatch::Alarm").values():
            self.client("cloudwatch").put_metric_alarm(**properties)
        for properties in self.of_type("AWS::SNS::TopicPolicy").values():
            policy = json.dumps(properties["PolicyDocument"])
            for topic in properties["Topics"]:
                self.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
        for properties in self.of_type("AWS::SNS::Subscription").values():
            self.client("sns").subscribe(**properties)
        for properties in self.of_type("AWS::ECS::ClusterCapacityProviderAssociations").values():
            self.client("ecs").put_cluster_capacity_providers(**_camel(properties))


def _without_nothing(value: Any) -> Any:
    """Without the elements of lists that a condition leaves out: moto keeps them as null."""
    if isinstance(value, list):
        return [_without_nothing(one) for one in value if one is not None]
    if isinstance(value, dict):
        return {name: _without_nothing(one) for name, one in value.items()}
    return value


def _camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel(one) for one in value]
    if isinstance(value, dict):
        return {f"{name[0].lower()}{name[1:]}": _camel(one) for name, one in value.items()}
    return value


def _lifecycle(s3: Any, bucket: str, said: Document) -> None:
    rules = []
    for rule in said["Rules"]:
        one = {"ID": rule["Id"], "Status": rule["Status"], "Filter": {"Prefix": rule.get("Prefix", "")}}
        expiration = {
            api: rule[name]
            for name, api in (("ExpirationInDays", "Days"), ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"))
            if name in rule
        }
        if expiration:
            one["Expiration"] = expiration
        for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
            if name in rule:
                one[name] = rule[name]
        rules.append(one)
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def _notification(s3: Any, bucket: str, said: Document) -> None:
    told = [{"QueueArn": one["Queue"], "Events": [one["Event"]]} for one in said["QueueConfigurations"]]
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"QueueConfigurations": told})


_OF_BUCKETS: dict[str, Callable[[Any, str, Document], object]] = {
    "LifecycleConfiguration": _lifecycle,
    "NotificationConfiguration": _notification,
    "OwnershipControls": lambda s3, bucket, said: s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls=said
    ),
    "PublicAccessBlockConfiguration": lambda s3, bucket, said: s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=said
    ),
    "VersioningConfiguration": lambda s3, bucket, said: s3.put_bucket_versioning(
        Bucket=bucket, VersioningConfiguration=said
    ),
}
