"""Where S3 requests go on AWS itself, which no test may reach: what would be sent is looked at."""

import pytest
from botocore.httpsession import URLLib3Session

from darkroom.store import s3_access
from darkroom.store.s3_access import S3Access


@pytest.fixture(autouse=True)
def on_aws(monkeypatch, tmp_path):
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASTUDIO")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(s3_access, "_bucket_region", lambda client, bucket: "eu-central-1")


@pytest.fixture
def sent(monkeypatch):
    requests = []
    monkeypatch.setattr(URLLib3Session, "send", lambda self, request: requests.append(request))
    return requests


def test_the_buckets_own_region_is_asked_and_signed_for(sent):
    access = S3Access("studio")
    access.get_bucket({"list-type": "2", "prefix": "a b/+\u00eb"})
    (request,) = sent
    assert request.url == "https://s3.eu-central-1.amazonaws.com/studio?list-type=2&prefix=a%20b%2F%2B%C3%AB"
    assert "AKIASTUDIO/" in request.headers["Authorization"]
    assert "/eu-central-1/s3/aws4_request" in request.headers["Authorization"]
    assert "secret" not in str(request.headers)
    assert access.client.meta.region_name == access.data.config["region"] == "eu-central-1"


def test_an_endpoint_of_another_service_is_used_without_asking_aws(monkeypatch, sent):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.studio.example/")
    monkeypatch.setattr(S3Access, "client", property(lambda self: pytest.fail("the client takes long to make")))
    access = S3Access("studio")
    access.get_bucket({"list-type": "2"})
    assert sent[0].url == "https://s3.studio.example/studio?list-type=2"
    assert access.data.config["endpoint"] == "https://s3.studio.example"


def test_an_ignored_endpoint_is_not_used(monkeypatch, sent):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://s3.studio.example")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    access = S3Access("studio")
    access.get_bucket({"list-type": "2"})
    assert sent[0].url.startswith("https://s3.eu-central-1.amazonaws.com/studio?")
