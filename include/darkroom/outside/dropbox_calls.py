"""Requests to Dropbox through its own library, each answered, repeated, or refused in words.

The library is imported here, and where its entries are read. It repeats nothing itself: retries are the stores'.
"""

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import dropbox
import requests
from dropbox import common, exceptions
from dropbox.stone_validators import ValidationError

from darkroom.errors import BadInput, Denied, StoreError, Unavailable
from darkroom.outside.dropbox_errors import CursorReset, busy, misread, of_file, of_folder, refused
from darkroom.outside.dropbox_session import TIMEOUT, Session, Tokens, hosts, told
from darkroom.store.access import Access
from darkroom.store.retries import Retries, Transient, first_line

T = TypeVar("T")

logging.getLogger("dropbox").setLevel(logging.ERROR)  # what it warns of is told here


class Calls:
    """Dropbox by the variables of an access. Thread-safe.

    DARKROOM_DROPBOX_TOKEN is a short-lived access token. With DARKROOM_DROPBOX_REFRESH_TOKEN, _APP_KEY and, unless the
    app was authorised with PKCE, _APP_SECRET, one is asked for, and again when it expires.
    """

    def __init__(self, access: Access) -> None:
        environment = access.environment()
        self._session, self._hosts = Session(environment), hosts(environment)
        self._tokens = Tokens(environment, self._session)
        self._client: tuple[str, Any] | None = None
        self._lock = threading.Lock()
        self.retries = Retries()

    def folder(self, folder: str) -> str:
        """The path of a folder as Dropbox compares it."""
        location = f"dropbox:{folder}"
        found = self._call(f"looking at {location}", partial(_look, folder), partial(of_folder, location=location))
        if isinstance(found, dropbox.files.FileMetadata):
            raise BadInput(f"{location}: it is a file; name the folder that it lies in.")
        if not isinstance(found, dropbox.files.FolderMetadata) or not found.path_lower:
            raise misread("it is no folder's description")
        return str(found.path_lower)

    def listing(self, folder: str, cursor: str) -> Any:
        """The library's `ListFolderResult` of a folder, from its start or from a cursor. Raises `CursorReset`."""
        location = f"dropbox:{folder or '/'}"
        ask = partial(_continue, cursor) if cursor else partial(_start, folder)
        try:
            return self._call(f"listing {location}", ask, partial(of_folder, location=location))
        except _NotTaken as error:
            if cursor:  # one of another account, or none at all
                raise CursorReset(f"{location}: {error}") from None
            raise

    def media(self, rev: str, path: str, start: int) -> tuple[Any, requests.Response]:
        """What is known of a revision, and an answer whose body is its bytes from `start` on; asked for once.

        Raises `Transient`, `SourceChanged` where there is no such revision.
        """
        found: tuple[Any, requests.Response]
        found = self._once(partial(_download, rev, start), partial(of_file, path=path))
        return found

    def _call(self, what: str, ask: Callable[[Any], T], refusal: Callable[[Any], Exception]) -> T:
        return self.retries.call(what, lambda: self._once(ask, refusal))

    def _once(self, ask: Callable[[Any], T], refusal: Callable[[Any], Exception]) -> T:
        for last in (False, True):
            token = self._tokens.current()
            try:
                return _explained(lambda: ask(self._client_of(token)), refusal)  # noqa: B023 called at once
            except _Expired as error:
                if last or not self._tokens.are_renewable:
                    raise error.meaning from None
            self._tokens.forget(token)
        raise AssertionError

    def _client_of(self, token: str) -> Any:
        """The library's client that shows this token."""
        with self._lock:
            if self._client is None or self._client[0] != token:
                self._client = token, self._made(token)
            return self._client[1]

    def _made(self, token: str) -> Any:
        client = dropbox.Dropbox(
            oauth2_access_token=token,
            max_retries_on_error=0,
            max_retries_on_rate_limit=0,
            user_agent="Darkroom",
            session=self._session,
            timeout=TIMEOUT,
        )
        client._host_map = self._hosts  # the library reads its own when it is imported, for all accesses alike
        # what dropbox.com shows begins at the team's root, and without this a path at the member's own folder
        roots = client.users_get_current_account().root_info
        if roots.root_namespace_id == roots.home_namespace_id:
            return client
        rooted = client.with_path_root(common.PathRoot.root(roots.root_namespace_id))
        rooted._host_map = self._hosts
        return rooted


class _Expired(Exception):
    """The token has. `meaning` is what to say where there is no other."""

    def __init__(self, meaning: Denied | Unavailable) -> None:
        self.meaning = meaning


class _NotTaken(StoreError):
    """HTTP 400: what was asked is not understood."""


def _explained(ask: Callable[[], T], refusal: Callable[[Any], Exception]) -> T:
    """The answer to one request, or what its error means. No error is passed on that could quote a token."""
    try:
        return told(ask)
    except exceptions.ApiError as error:
        raise refusal(error.error) from None
    except exceptions.AuthError as error:
        meaning = refused(error)
        raise (_Expired(meaning) if isinstance(meaning, Unavailable) else meaning) from None
    except exceptions.RateLimitError as error:
        raise busy(error.backoff) from None
    except exceptions.InternalServerError as error:
        raise Transient(f"HTTP {error.status_code}", "Dropbox has a fault of its own") from None
    except exceptions.BadInputError as error:
        raise _NotTaken(f"Dropbox does not take the request: {first_line(error.message).rstrip('.')}.") from None
    except exceptions.PathRootError:
        raise Denied("Dropbox does not let the account see its team's space; ask whoever administers it.") from None
    except exceptions.HttpError as error:
        raise misread(f"HTTP {error.status_code}") from None
    except ValidationError:
        raise misread("it has another form") from None


def _look(folder: str, client: Any) -> Any:
    return client.files_get_metadata(folder)


def _start(folder: str, client: Any) -> Any:
    return client.files_list_folder(folder, recursive=True, include_mounted_folders=True)


def _continue(cursor: str, client: Any) -> Any:
    return client.files_list_folder_continue(cursor)


def _download(rev: str, start: int, client: Any) -> Any:
    # as it lies there, so that its bytes are counted right
    headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={start}-"} if start else {})}
    return client.files_download(f"rev:{rev}", extra_headers=headers)
