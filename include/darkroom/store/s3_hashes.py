"""What S3's answers say of an object's hashes, and what they do not say."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from darkroom.store.hashes import Hashes

_MD5 = re.compile(r"[0-9a-f]{32}")


def plain(etag: str) -> str:
    """An ETag without its quotes."""
    return etag.strip('"')


def vouched(answer: Mapping[str, Any]) -> Hashes:
    """The hashes of the whole object that a head's or a put's answer vouches for.

    The ETag is the MD5 only of what was written in one part and is not encrypted with a key of KMS's or the customer's
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html). A checksum of type COMPOSITE is one of the
    parts' checksums and says nothing of the whole.

    >>> vouched({"ETag": '"c4ca4238a0b923820dcc509a6f75849b"'}).md5
    'c4ca4238a0b923820dcc509a6f75849b'
    >>> vouched({"ETag": '"c4ca4238a0b923820dcc509a6f75849b-2"', "ChecksumCRC32C": "AAAAAA==-2"})
    Hashes(md5='', crc32c='', sha256='', dropbox='')
    """
    etag = plain(answer.get("ETag", ""))
    keyed = "SSECustomerAlgorithm" in answer or answer.get("ServerSideEncryption") not in (None, "AES256")
    return Hashes(
        md5=etag if _MD5.fullmatch(etag) and not keyed else "",
        crc32c=_checksum(answer, "ChecksumCRC32C"),
        sha256=_checksum(answer, "ChecksumSHA256"),
    )


def _checksum(answer: Mapping[str, Any], name: str) -> str:
    text = answer.get(name, "")
    if not text or "-" in text or answer.get("ChecksumType") == "COMPOSITE":
        return ""
    return base64.b64decode(text).hex()


def to_base64(digest: str) -> str:
    """A hex digest as S3's headers want it."""
    return base64.b64encode(bytes.fromhex(digest)).decode()
