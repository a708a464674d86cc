"""What describes an object's content in S3: type, headers, and metadata in the few letters that S3 has for it."""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.quoprimime import header_decode
from typing import TYPE_CHECKING, Any

from darkroom.errors import StoreError
from darkroom.store.headers import HEADERS, only_known

if TYPE_CHECKING:
    from obstore import Attributes

MOST_METADATA = (
    2048  # bytes of all names and values (https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html)
)

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of HTTP's
_WORD = re.compile(r"=\?([\w-]+)\?([BbQq])\?([^?\s]*)\?=")  # RFC 2047
_WORDS = re.compile(rf"{_WORD.pattern}(?:\s+{_WORD.pattern})*")

# what obstore takes for something else than metadata
_TAKEN = {name.lower().replace("-", "") for name in (*HEADERS, "Content-Type", "Storage-Class")}


@dataclass(frozen=True, slots=True)
class Description:
    """An object's type, its headers, and its metadata as S3 has it: names in lower case, values in ASCII."""

    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_answer(cls, answer: Mapping[str, Any]) -> "Description":
        """As a head's or a get's answer says."""
        headers = {name: answer[_argument(name)] for name in HEADERS if answer.get(_argument(name))}
        return cls(answer.get("ContentType", ""), answer.get("Metadata", {}), headers)

    @classmethod
    def of_attributes(cls, attributes: Mapping[Any, str]) -> "Description":
        """As obstore says."""
        metadata = dict(attributes)
        headers = {name: metadata.pop(name) for name in HEADERS if name in metadata}
        return cls(metadata.pop("Content-Type", ""), metadata, headers)

    @property
    def arguments(self) -> dict[str, Any]:
        """As boto3's arguments."""
        headers = {_argument(name): value for name, value in self.headers.items()}
        kind = {"ContentType": self.content_type} if self.content_type else {}
        return {**headers, **kind, "Metadata": dict(self.metadata)}

    @property
    def attributes(self) -> "Attributes | None":
        """As obstore's attributes; None where it would take metadata for something else."""
        if any(name.replace("-", "") in _TAKEN for name in self.metadata):
            return None
        return {"Content-Type": self.content_type, **self.headers, **self.metadata}

    @property
    def readable(self) -> dict[str, str]:
        """The metadata as its readers know it."""
        return {name: _decoded(value) if "=?" in value else value for name, value in self.metadata.items()}


def _argument(header: str) -> str:
    return header.replace("-", "")


def describe(
    uri: str, content_type: str, metadata: Mapping[str, str], headers: Mapping[str, str] | None
) -> Description:
    """What is to be written with an object. Raises `StoreError` for what S3 cannot hold."""
    headers = only_known(headers)
    for name, text in {"Content-Type": content_type, **headers}.items():
        if not text.isascii() or CONTROL.search(text):
            raise StoreError(f"{uri}: S3 takes only plain ASCII as {name}, not {text!r}.")
    kept: dict[str, str] = {}
    for name, value in metadata.items():
        if not _NAME.fullmatch(name):
            raise StoreError(f"{uri}: S3 takes only ASCII letters, digits and -_. as a name of metadata, not {name!r}.")
        if name.lower() in kept:
            raise StoreError(f"{uri}: S3 knows no case in names of metadata, and there are two of {name.lower()!r}.")
        kept[name.lower()] = _encoded(uri, name, value)
    taken = sum(len(name) + len(value) for name, value in kept.items())
    if taken > MOST_METADATA:
        raise StoreError(f"{uri}: its metadata takes {taken:,} bytes, and S3 holds at most {MOST_METADATA:,}.")
    return Description(content_type, kept, headers)


def _encoded(uri: str, name: str, value: str) -> str:
    """A value as S3 itself returns what is not ASCII; so too what would come back as something else."""
    if CONTROL.search(value):
        raise StoreError(f"{uri}: S3 takes no control characters in metadata, and {name!r} is {value!r}.")
    if value.isascii() and value == value.strip() and "=?" not in value:
        return value
    try:
        return f"=?UTF-8?B?{base64.b64encode(value.encode()).decode()}?="
    except UnicodeEncodeError:
        raise StoreError(f"{uri}: S3 takes only Unicode in metadata, and {name!r} is {value!r}.") from None


def _decoded(value: str) -> str:
    """A value that is all words of RFC 2047, decoded; any other as it is.

    >>> _decoded("=?UTF-8?B?Wm/Dqw==?="), _decoded("=?iso-8859-1?Q?Zo=EB_a?="), _decoded("=?UTF-8?B?no?=")
    ('Zoë', 'Zoë a', '=?UTF-8?B?no?=')
    """
    if not _WORDS.fullmatch(value):
        return value
    try:
        words = _WORD.findall(value)
        return "".join(_raw(how, text).decode(charset) for charset, how, text in words)
    except (LookupError, ValueError, binascii.Error):
        return value


def _raw(how: str, text: str) -> bytes:
    if how in "Bb":
        return base64.b64decode(text, validate=True)
    return header_decode(text).encode("latin-1")
