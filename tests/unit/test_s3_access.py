"""Where S3 requests go on AWS itself, which no test may reach: what would be sent is looked at."""

import pytest
from botocore.httpsession import URLLib3Session

from darkroom.flows import Run
from darkroom.store import s3_access
from darkroom.store.access import Access
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


@pytest.mark.parametrize("form", ["keys", "profile"])
def test_an_identity_is_an_accesss_own_or_the_processs_and_never_half_of_each(monkeypatch, sent, tmp_path, form):
    keys = {"AWS_ACCESS_KEY_ID": "AKIAHOUSE", "AWS_SECRET_ACCESS_KEY": "of-the-house"}
    profiles = tmp_path / "profiles"
    profiles.write_text("[house]\naws_access_key_id = AKIAHOUSE\naws_secret_access_key = of-the-house\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(profiles))
    identity = ["AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", *keys]
    for name in identity:
        monkeypatch.setenv(name, "the-processs")
    access = Access(keys if form == "keys" else {"AWS_PROFILE": "house"})
    S3Access("studio", access).get_bucket({"list-type": "2"})
    (request,) = sent
    assert "AKIAHOUSE/" in request.headers["Authorization"]
    assert "X-Amz-Security-Token" not in request.headers
    given = access.environment()
    assert {name: given[name] for name in identity if name in given} == access.variables


def test_an_endpoint_region_and_certificate_of_an_access_go_with_the_processs_identity(monkeypatch, sent, tmp_path):
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://s3.another.example")
    certificate = tmp_path / "house.pem"
    where = {"AWS_ENDPOINT_URL_S3": "https://s3.studio.example", "AWS_DEFAULT_REGION": "eu-north-1"}
    access = S3Access("studio", Access({**where, "AWS_CA_BUNDLE": str(certificate)}))
    assert access._certificates == str(certificate)
    access = S3Access("studio", Access(where))
    access.get_bucket({"list-type": "2"})
    assert sent[0].url == "https://s3.studio.example/studio?list-type=2"
    assert "AKIASTUDIO/" in sent[0].headers["Authorization"]
    assert "/eu-north-1/s3/aws4_request" in sent[0].headers["Authorization"]
    assert access.client.meta.endpoint_url == access.data.config["endpoint"] == "https://s3.studio.example"
    assert access.client.meta.region_name == access.data.config["region"] == "eu-north-1"


def test_no_repr_tells_a_secret():
    access = Access({"AWS_SECRET_ACCESS_KEY": "of-the-house"})
    assert "of-the-house" not in repr([access, Run("dag", "run", access=access), S3Access("studio", access)])
