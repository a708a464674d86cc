"""What may be said of a URL: whoever knows a signed URL can fetch what it leads to (ADR 14)."""

import hashlib
import re
from urllib.parse import urlsplit

# up to what is a query as well: a proxy's path has another URL in it, a session's id stands behind a semicolon
_PATH = re.compile(r"(?:(?!%3f|;).)*", re.IGNORECASE | re.DOTALL)
_SHORT = 12  # hex digits


def without_secrets(url: str) -> str:
    """A web image's URL as ledgers, claims and reports have it: without user, password, query and fragment.

    A query may tell images apart, so a short sha256 of it stays. Of what is no plain URL only that is said, as nobody
    knows what is secret in it.

    >>> without_secrets("https://me:word@host/a.jpg?X-Amz-Signature=1#top")
    'https://host/a.jpg?sha256=6e1ad1e7b45e'
    >>> without_secrets("https://host/a.jpg")
    'https://host/a.jpg'
    >>> without_secrets("https://host/fetch/https%3A%2F%2Fother%2Fa.jpg%3Fsig=1")
    'https://host/fetch/https%3A%2F%2Fother%2Fa.jpg?sha256=70097a5d8116'
    >>> without_secrets("https:me:word@host/a.jpg")
    'a URL that is none, sha256 3b61b77d8404'
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return _none(url)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme not in ("http", "https") or not host:
        return _none(url)
    path = _PATH.match(parts.path)
    shown = path[0] if path else ""
    rest = parts.path[len(shown) :] + parts.query
    return f"{parts.scheme}://{host}{shown}" + (f"?sha256={_short(rest)}" if rest else "")


def _none(url: str) -> str:
    return f"a URL that is none, sha256 {_short(url)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:_SHORT]
