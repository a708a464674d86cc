"""Whose credentials lead to a store or a service, as a value."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

# half of one identity beside half of another is a third
_AWS_IDENTITY = frozenset(
    {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
        *("AWS_CREDENTIAL_EXPIRATION", "AWS_ACCOUNT_ID", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
        *("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE"),
    }
)
DROPBOX = (
    "DARKROOM_DROPBOX_TOKEN",
    *("DARKROOM_DROPBOX_REFRESH_TOKEN", "DARKROOM_DROPBOX_APP_KEY", "DARKROOM_DROPBOX_APP_SECRET"),
)
"""A short-lived access token, or what one is had by (`outside.dropbox_calls`)."""
_IDENTITIES = (_AWS_IDENTITY, frozenset(DROPBOX))


@dataclass(frozen=True, slots=True)
class Access:
    """Environment variables, by name, that count instead of the process's own; of what they do not say, those count.

    A value, so that each thread of a process can be somebody else. An AWS identity in it is a pair of keys (with or
    without a session token) or a profile, and is whole: none of the process's own identity counts beside it. So is one
    of Dropbox's (`DROPBOX`). What is in it may be secret, and stands in no repr.
    """

    variables: Mapping[str, str] = field(default_factory=dict, repr=False)

    def environment(self) -> dict[str, str]:
        """The process's environment, as it is with this access."""
        others = frozenset[str]().union(*(one for one in _IDENTITIES if self.variables.keys() & one))
        return {name: value for name, value in os.environ.items() if name not in others} | dict(self.variables)


NO_ACCESS = Access()
"""The process's own environment."""
