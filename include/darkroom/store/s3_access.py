"""How S3 is reached: whose credentials, which endpoint and region, and what its errors mean."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast
from urllib.parse import quote, urlencode

import botocore.exceptions
import obstore.exceptions
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.config import Config
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies
from obstore.store import S3Store as ObstoreS3

from darkroom.errors import BadInput, Conflict, Denied, NotFound, StoreError, Unavailable
from darkroom.store import asked
from darkroom.store.access import NO_ACCESS, Access
from darkroom.store.aws_session import aws_session
from darkroom.store.retries import Retries, Transient, first_line

if TYPE_CHECKING:
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.credentials import ReadOnlyCredentials
    from botocore.session import Session
    from mypy_boto3_s3 import S3Client
    from obstore.store import ClientConfig, S3Config, S3Credential

T = TypeVar("T")

CONNECTIONS = 32  # as many requests at once as `S3Store.concurrency` asks for; more only queue for the one interpreter
_ASKED_AGAIN = timedelta(minutes=5)
_CONNECT, _SILENCE, _WHOLE = 10, 60, 300  # seconds: to connect, without a byte, for one request with its body

# what a busy or ailing S3 says, with or without a 5xx (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html)
_TRANSIENT_CODES = frozenset(
    {
        *("BadDigest", "InternalError", "OperationAborted", "ConditionalRequestConflict", "RequestTimeout"),
        *("RequestTimeTooSkewed", "ServiceUnavailable", "SlowDown", "Throttling", "ThrottlingException"),
        *("TooManyRequestsException", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch"),
    }
)
_EXPIRED = "ExpiredToken"
_DENIED_CODES = frozenset({"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", _EXPIRED, "InvalidToken"})


# what either client raises; obstore's "not found" is Python's own, an OSError
_FAULTS = (
    botocore.exceptions.BotoCoreError,
    botocore.exceptions.ClientError,
    obstore.exceptions.BaseError,
    OSError,
    ValueError,
)


class S3Access:
    """One bucket's two clients: obstore for the data path (ADR 9), botocore (boto3's core) for all that is more.

    Credentials, profile, region, endpoint and certificates are the access's, and otherwise boto3's own chain's
    (`AWS_PROFILE`, `AWS_ENDPOINT_URL`, roles, …), handed on to obstore. Neither client retries: `Retries` does, for
    both.
    """

    def __init__(self, bucket: str, access: Access = NO_ACCESS) -> None:
        self.bucket, self._access = bucket, access
        self.retries = Retries()

    def uri(self, name: str) -> str:
        """The URI of an object by its whole name in the bucket."""
        return f"s3://{self.bucket}/{name}"

    def call(self, what: str, name: str, request: Callable[[], T]) -> T:
        """The answer to one request about `name`, repeated while its fault is transient.

        Raises `NotFound`, `Conflict` or another `StoreError` that says what the service's error means, and `BadInput`
        where there is no such bucket.
        """

        def attempt() -> T:
            try:
                return request()
            except _FAULTS as error:
                _explain(error, self.uri(name))

        return self.retries.call(f"{what} {self.uri(name)}", attempt)

    @cached_property
    def _session(self) -> "Session":
        with self._settings():
            session = aws_session(self._access)
            credentials = session.get_credentials()
        if credentials is None:
            raise BadInput(
                f"s3://{self.bucket}: there are no AWS credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                "AWS_PROFILE, or run with a role."
            )
        return session

    @contextmanager
    def _settings(self) -> Iterator[None]:
        """What goes wrong in this block is wrong in the AWS settings."""
        try:
            yield
        except (botocore.exceptions.BotoCoreError, ValueError, OSError) as error:
            raise BadInput(f"s3://{self.bucket}: the AWS settings cannot be used: {error}.") from error

    @cached_property
    def _configured_endpoint(self) -> str | None:
        """The configured endpoint, as it is given.

        Without botocore's client, which takes as long to make as a listing of 5,000 objects does.
        """
        session = self._session
        with self._settings():
            if session.get_config_variable("ignore_configured_endpoint_urls"):
                return None
            given: str | None = ConfiguredEndpointProvider(
                full_config=session.full_config,
                scoped_config=session.get_scoped_config(),
                client_name="s3",
                environ=self._access.environment(),
            ).provide()
        return given

    @property
    def _endpoint(self) -> str:
        """The configured endpoint of a service that is not AWS, or an empty text."""
        given = self._configured_endpoint
        return given.rstrip("/") if given and ".amazonaws.com" not in given else ""

    @cached_property
    def _region(self) -> str:
        return (self._endpoint and self._configured_region) or self.client.meta.region_name

    @property
    def copies_conditionally(self) -> bool:
        """Does the service heed the conditions of a copy, on its target and on its source?

        AWS does (https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html). Others pass both over without a
        word: Ceph 16 does, and so does moto 5.2 (tried: a copy, and a part's copy, of an ETag that is not there).
        """
        return not self._endpoint

    @property
    def _configured_region(self) -> str:
        return self._session.get_config_variable("region") or "us-east-1"

    def _client(self, region: str) -> "S3Client":
        config = Config(
            max_pool_connections=CONNECTIONS,
            connect_timeout=_CONNECT,
            read_timeout=_SILENCE,
            retries={"total_max_attempts": 1},
            signature_version="s3v4",
            # our own checksums go with every write; a store that is not AWS may not know botocore's default one
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            user_agent_extra="darkroom",
        )
        with self._settings():
            endpoint = self._configured_endpoint
            made = self._session.create_client("s3", region_name=region, endpoint_url=endpoint, config=config)
        client = cast("S3Client", made)
        client.meta.events.register("before-call.s3.DeleteObjects", _add_md5)
        client.meta.events.register("before-send.s3", _count)
        return client

    @cached_property
    def client(self) -> "S3Client":
        """Botocore's client, in the bucket's own region."""
        client = self._client(self._configured_region)
        if self._endpoint:
            return client
        region = _bucket_region(client, self.bucket)
        return client if region in ("", client.meta.region_name) else self._client(region)

    @property
    def _certificates(self) -> str:
        """The file of `AWS_CA_BUNDLE` or `ca_bundle`, or an empty text."""
        return self._session.get_config_variable("ca_bundle") or ""

    @cached_property
    def _http(self) -> URLLib3Session:
        """Connections for requests without the client, with the same settings as its own."""
        with self._settings():
            settings: Any = {"verify": self._certificates or True, "timeout": (_CONNECT, _SILENCE)}
            proxies = get_environ_proxies(self._endpoint or self.client.meta.endpoint_url)
            return URLLib3Session(proxies=proxies, max_pool_connections=CONNECTIONS, **settings)

    def get_bucket(self, query: Mapping[str, str]) -> AWSResponse:
        """The raw answer to a signed GET of the bucket itself, such as a listing."""
        endpoint = self._endpoint or self.client.meta.endpoint_url
        url = f"{endpoint}/{self.bucket}?{urlencode(query, quote_via=quote, safe='-_.~')}"
        request = AWSRequest("GET", url, headers={"User-Agent": "darkroom"})
        S3SigV4Auth(_frozen(self._session), "s3", self._region).add_auth(request)
        asked.count_http("GET", url)
        return self._http.send(request.prepare())

    def asking(self, kind: asked.Kind) -> ObstoreS3:
        """Obstore's client, for one request of a kind, which is counted."""
        asked.count(kind)
        return self.data

    @cached_property
    def data(self) -> ObstoreS3:
        """Obstore's client for the same bucket, endpoint and credentials."""
        region = self._region
        endpoint = self._endpoint or self.client.meta.endpoint_url
        virtual = not self._endpoint and "." not in self.bucket
        config: S3Config = {
            "region": region,
            "conditional_put": "etag",
            "copy_if_not_exists": "header: If-None-Match: *",
            "checksum_algorithm": "SHA256",
            "virtual_hosted_style_request": virtual,
        }
        if not virtual:
            config["endpoint"] = endpoint
        options: ClientConfig = {
            "allow_http": endpoint.startswith("http://"),
            "connect_timeout": f"{_CONNECT}s",
            "read_timeout": f"{_SILENCE}s",
            "timeout": f"{_WHOLE}s",
            "pool_max_idle_per_host": str(CONNECTIONS),
            "user_agent": "darkroom",
        }
        if self._certificates:
            with self._settings():
                options["root_certificate"] = Path(self._certificates).read_bytes()
        return ObstoreS3(
            self.bucket,
            config=config,
            client_options=options,
            retry_config={"max_retries": 0},
            credential_provider=partial(_for_obstore, self._session),
        )


def _frozen(session: "Session") -> "ReadOnlyCredentials":
    credentials = session.get_credentials()
    assert credentials
    return credentials.get_frozen_credentials()


def _for_obstore(session: "Session") -> "S3Credential":
    """The credentials as they are now; asked again before a role's own would be renewed for their age.

    Obstore's client holds what it asks for ever, out of the garbage collector's sight: that must not be who holds the
    client.
    """
    now = _frozen(session)
    return {
        "access_key_id": now.access_key or "",
        "secret_access_key": now.secret_key or "",
        "token": now.token,
        "expires_at": datetime.now(UTC) + _ASKED_AGAIN,
    }


def _count(request: "AWSPreparedRequest", **_: object) -> None:
    """Note what botocore is about to send."""
    asked.count_http(request.method, request.url)


def _add_md5(params: dict[str, Any], **_: object) -> None:
    """The one checksum of a batch removal that every service takes; AWS takes botocore's own as well."""
    digest = hashlib.md5(params["body"], usedforsecurity=False).digest()
    params["headers"]["Content-MD5"] = base64.b64encode(digest).decode()


def _bucket_region(client: "S3Client", bucket: str) -> str:
    """The region that AWS names for a bucket, also to who may not read it; empty where it does not say."""
    try:
        headers = client.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
    except botocore.exceptions.ClientError as error:
        headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    except botocore.exceptions.BotoCoreError:
        return ""
    return headers.get("x-amz-bucket-region", "")


def _explain(error: Exception, uri: str) -> NoReturn:
    """Raise what an error of either client means: `Transient`, `BadInput`, or one of the `StoreError`s."""
    if isinstance(error, botocore.exceptions.ClientError):
        raise _of_response(error, uri) from error
    if isinstance(error, (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError)):
        raise Transient(type(error).__name__, first_line(error)) from error
    if isinstance(error, botocore.exceptions.BotoCoreError):
        raise StoreError(f"{uri}: {first_line(error)}") from error
    if isinstance(error, FileNotFoundError):
        raise _missing(str(error), uri) from error
    if isinstance(error, (obstore.exceptions.AlreadyExistsError, obstore.exceptions.PreconditionError)):
        raise Conflict(f"{uri}: it changed in the meantime, or there already is such an object.") from error
    if isinstance(error, (obstore.exceptions.PermissionDeniedError, obstore.exceptions.UnauthenticatedError)):
        raise _of_denied(str(error), uri) from error
    if isinstance(error, obstore.exceptions.GenericError):
        raise _of_generic(str(error), uri) from error
    raise StoreError(f"{uri}: {first_line(error)}") from error


def _of_response(error: botocore.exceptions.ClientError, uri: str) -> Exception:
    code = error.response.get("Error", {}).get("Code", "")
    message = error.response.get("Error", {}).get("Message", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _TRANSIENT_CODES or status >= 500 or status == 429:
        return Transient(code if not code.isdigit() else f"HTTP {code}", message or f"HTTP {status}")
    if status == 412 or code in ("PreconditionFailed", "EntityAlreadyExists"):
        return Conflict(f"{uri}: it changed in the meantime, or there already is such an object.")
    if status == 404:
        return _missing(code, uri)
    if status in (401, 403) or code in _DENIED_CODES:
        return _of_denied(f"{code} {message}", uri)
    return StoreError(f"{uri}: S3 refuses it: {code} {message}".rstrip())


def _of_generic(text: str, uri: str) -> Exception:
    """What obstore has no type for: 5xx, cut connections, and the 4xx that are neither 401, 403, 404, 409 nor 412.

    It hands on no code, only its sentence with the answer's body in it. What does not look like a 4xx is transient.
    """
    code = re.search(r"<Code>(\w{1,60})</Code>", text)
    status = re.search(r"status code: (\d{3})", text)
    name = code[1] if code else f"HTTP {status[1]}" if status else "connection fault"
    if name in _TRANSIENT_CODES or not status or status[1].startswith("5") or status[1] in ("408", "429"):
        return Transient(name, first_line(text))
    if name in _DENIED_CODES:  # AWS says 400 of an expired token
        return _of_denied(name, uri)
    return StoreError(f"{uri}: S3 refuses it: {name} (HTTP {status[1]}).")


def _of_denied(text: str, uri: str) -> Exception:
    for code in _TRANSIENT_CODES:
        if code in text:  # some services answer 403 to a body that lost a byte on its way
            return Transient(code, f"S3 says {code}")
    if _EXPIRED in text:
        return Unavailable(f"{uri}: the credentials have expired; give fresh ones.")
    said = next((f" ({code})" for code in _DENIED_CODES if code in text), "")
    return Denied(f"{uri}: S3 refuses access{said}; check the credentials and the bucket's policy.")


def _missing(text: str, uri: str) -> Exception:
    if "NoSuchBucket" in text:
        bucket = "/".join(uri.split("/")[:3])
        return BadInput(f"{bucket}: there is no such bucket; create it, or mend the name.")
    return NotFound(f"{uri}: there is no such object.")
