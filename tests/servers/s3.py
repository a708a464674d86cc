"""What a test needs to know of an S3 server."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class S3Server:
    """Where it answers, and whom it lets in."""

    endpoint: str
    access_key: str
    secret_key: str

    def environment(self) -> dict[str, str]:
        """The variables that every S3 client reads."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        }
