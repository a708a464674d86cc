"""An AWS connection as the environment variables that boto3 reads."""

import botocore
import botocore.exceptions
from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.sdk.exceptions import AirflowException
from airflow.sdk.log import mask_secret

from darkroom.errors import BadInput

# what a second try would meet again, as opposed to a service out of reach
_FINAL = (
    botocore.exceptions.ClientError,
    botocore.exceptions.NoCredentialsError,
    botocore.exceptions.PartialCredentialsError,
    botocore.exceptions.ProfileNotFound,
    AirflowException,
    NotImplementedError,
)


def aws_environment(connection: str) -> dict[str, str]:
    """The variables by name. No identity where the connection has none of its own.

    A role is taken on here and its credentials are handed on, which end when the connection says (an hour, or the
    `DurationSeconds` of its `assume_role_kwargs`). Of `config_kwargs` nothing is used: Darkroom's clients have their
    own.
    """
    hook = AwsBaseHook(connection, client_type="s3")
    said = hook.conn_config
    if getattr(hook.config, "signature_version", None) is botocore.UNSIGNED:
        raise BadInput(f"The connection {connection}: Darkroom signs its requests; remove its signature_version.")
    if said.verify is False:
        raise BadInput(
            f"The connection {connection}: Darkroom checks certificates; instead of false, let its verify be the path "
            "of the authority's certificate."
        )
    key, secret = said.aws_access_key_id, said.aws_secret_access_key
    if bool(key) != bool(secret) or bool(said.login) != bool(said.password):
        raise BadInput(f"The connection {connection}: one half of its access key is missing; fill in both, or neither.")
    environment: dict[str, str] = {}
    if said.role_arn:
        environment = _of_role(hook)
    elif key:
        environment = _keys(key, secret, said.aws_session_token)
    elif said.profile_name:
        environment = {"AWS_PROFILE": said.profile_name}
    if said.region_name:
        environment["AWS_DEFAULT_REGION"] = said.region_name
    if endpoint := said.get_service_endpoint_url("s3"):
        environment["AWS_ENDPOINT_URL_S3"] = endpoint
    if isinstance(said.verify, str):
        environment["AWS_CA_BUNDLE"] = said.verify
    return environment


def _of_role(hook: AwsBaseHook) -> dict[str, str]:
    try:
        found = hook.get_session().get_credentials()
        if found is None:
            raise botocore.exceptions.NoCredentialsError
        keys = found.get_frozen_credentials()
    except _FINAL as error:
        raise BadInput(f"The connection {hook.aws_conn_id} cannot take on its role: {error}") from error
    # a connection's own secrets are masked already
    mask_secret(keys.secret_key)
    mask_secret(keys.token)
    return _keys(keys.access_key, keys.secret_key, keys.token)


def _keys(key: str | None, secret: str | None, token: str | None) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}
    return {name: value for name, value in keys.items() if value}
