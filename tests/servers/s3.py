"""What a test needs to know of an S3 server."""

from dataclasses import dataclass

_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where it answers, and whom it lets in."""

    endpoint: str
    access_key: str
    secret_key: str

    def with_bucket(self, name: str) -> dict[str, str]:
        """Make a bucket; returns the variables that lead to the server."""
        import boto3

        boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name=_REGION,
        ).create_bucket(Bucket=name)
        return self.environment()

    def environment(self) -> dict[str, str]:
        """The variables that every S3 client reads."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": _REGION,
        }
