"""Where alerts go, as a setting says it."""

import re
from typing import NamedTuple

LOG, SNS, SMTP, SLACK = "log", "sns", "smtp", "slack"
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_EXAMPLE = "log, sns:arn:aws:sns:us-east-1:123456789012:alerts, smtp:ops@studio.example, slack"


class Channel(NamedTuple):
    """One place where alerts go: `to` is a topic's ARN or a mail address, and empty where a connection says it."""

    name: str
    to: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.to}" if self.to else self.name


def channels_of(said: str) -> tuple[Channel, ...]:
    """The channels of a list with commas, each once; of nothing, none. Raises `ValueError`, with what is wrong.

    >>> [str(channel) for channel in channels_of("log, smtp:ops@studio.example,slack")]
    ['log', 'smtp:ops@studio.example', 'slack']
    """
    return tuple(dict.fromkeys(_channel(part.strip()) for part in said.split(","))) if said.strip() else ()


def _channel(said: str) -> Channel:
    name, colon, to = said.partition(":")
    right = {
        LOG: not colon,
        SLACK: not colon,
        SNS: _TOPIC.fullmatch(to) is not None,
        SMTP: _ADDRESS.fullmatch(to) is not None,
    }
    if right.get(name):
        return Channel(name, to)
    raise ValueError(f"it must be channels with commas, such as {_EXAMPLE}")
