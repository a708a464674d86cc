"""Files of Google Drive, through the provider's hook: what an item of type `Museum` is about (DESIGN 7)."""

import io
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from airflow.sdk.exceptions import AirflowException
from pydantic import BaseModel, Field, ValidationError

from darkroom.errors import Denied, Unavailable
from darkroom.failures import DownloadFailed, Gone
from darkroom.store.retries import Retries, Transient, first_line
from darkroom_airflow.credentials import GOOGLE_CONNECTION

if TYPE_CHECKING:
    from airflow.providers.google.suite.hooks.drive import GoogleDriveHook

T = TypeVar("T")

_SCOPE = "https://www.googleapis.com/auth/drive.readonly"
_FIELDS = "id,size,md5Checksum,mimeType,trashed"
_PIECE = 8 << 20  # bytes of one request, which are held in memory
_ID = re.compile(r"[A-Za-z0-9_-]{10,200}")

# https://developers.google.com/workspace/drive/api/guides/handle-errors; what else is a 403 is the connection's fault
_TOO_FAST = ("rateLimitExceeded", "userRateLimitExceeded")
_OF_THE_FILE = {
    "cannotDownloadAbusiveFile": "Google Drive takes it for malware or spam, and gives it to nobody but its owner",
    "cannotDownloadFile": "its owner allows nobody to download it; change that where it is shared",
    "fileNotDownloadable": "it is a Google document or folder and no file",
    **dict.fromkeys(
        ("downloadQuotaExceeded", "quotaExceeded", "dailyLimitExceeded", "sharingRateLimitExceeded"),
        "Google Drive has given out all that it gives a day; it does again tomorrow",
    ),
}
_DOCUMENTS = {
    "application/vnd.google-apps.folder": "it is a Google Drive folder and no file; name a file in it",
    "application/vnd.google-apps.shortcut": "it is a shortcut and no file; name the file that it leads to",
}


@dataclass(frozen=True, slots=True)
class DriveFile:
    """A file as Drive describes it: its size in bytes, the MD5 of its content in hex."""

    bytes: int
    md5: str


class DriveFiles:
    """Files of Google Drive by their ids, as the account of a Google Cloud connection sees them. Thread-safe.

    Share the files, or a folder or shared drive around them, with that account as a reader, and enable the Drive API
    in its project. Nothing else is needed: the scope that is asked for is drive.readonly, unless the connection's own
    names one of Drive's. A file that is not shared with the account does not exist for it: Drive answers 404.

    Both methods raise `Denied` where the connection is of no use or not allowed to, and `DownloadFailed` for all else.
    """

    def __init__(self, connection: str = GOOGLE_CONNECTION) -> None:
        self._connection = connection
        self._own = threading.local()
        self._retries = Retries()

    def look(self, file_id: str) -> DriveFile | None:
        """What is known of a file; None only where Drive answers that there is none, or it lies in the trash.

        See https://developers.google.com/workspace/drive/api/reference/rest/v3/files/get.
        """
        _require_id(file_id)
        request = self._hook().get_conn().files().get(fileId=file_id, fields=_FIELDS, supportsAllDrives=True)
        try:
            answer = _Answer.model_validate(self._asked(f"looking at {file_id} in Google Drive", request.execute))
        except Gone:
            return None
        except ValidationError:
            raise DownloadFailed("what Google Drive says of it is not understood") from None
        if answer.trashed:
            return None
        if answer.size is None or answer.md5 is None:
            document = "it is a Google document and no file; download it as PDF or TIFF, and put that into Drive"
            raise DownloadFailed(_DOCUMENTS.get(answer.kind, document))
        return DriveFile(answer.size, answer.md5)

    def fetch(self, file_id: str, file: BinaryIO) -> None:
        """Write a file's content, piece by piece; raises `Gone` where Drive answers that there is none.

        Of a file that changes meanwhile, it may be pieces of both versions: compare its MD5 with what `look` says.
        """
        from googleapiclient.http import MediaIoBaseDownload

        _require_id(file_id)
        # not the hook's download_file, which gives up a whole file after one fault in its last piece
        piece = io.BytesIO()
        download = MediaIoBaseDownload(piece, self._hook().get_media_request(file_id), chunksize=_PIECE)
        done = False
        while not done:
            _, done = self._asked(f"fetching {file_id} from Google Drive", download.next_chunk)
            if not done and not piece.tell():
                raise DownloadFailed("Google Drive stops in the middle of it")
            try:
                file.write(piece.getvalue())
            except OSError as error:
                raise DownloadFailed(f"it cannot be kept: {error.strerror}") from None
            piece.seek(0)
            piece.truncate()

    def _hook(self) -> "GoogleDriveHook":
        """This thread's own: Google's client is not thread-safe."""
        if not hasattr(self._own, "hook"):
            from airflow.providers.google.common.hooks.base_google import get_field
            from airflow.providers.google.suite.hooks.drive import GoogleDriveHook
            from google.auth.exceptions import GoogleAuthError

            try:
                hook = GoogleDriveHook(gcp_conn_id=self._connection)
                if "/auth/drive" not in (get_field(hook.extras, "scope") or ""):
                    hook.extras = {**hook.extras, "scope": _SCOPE}  # of this hook alone
                hook.get_conn()
            except (AirflowException, GoogleAuthError, ValueError, OSError) as error:
                why = first_line(error).rstrip(".")
                raise Denied(f"The connection {self._connection} cannot be used for Google Drive: {why}.") from None
            self._own.hook = hook
        found: GoogleDriveHook = self._own.hook
        return found

    def _asked(self, what: str, ask: Callable[[], T]) -> T:
        """The answer to one request, repeated while its fault is transient."""
        from google.auth.exceptions import GoogleAuthError, TransportError
        from googleapiclient.errors import HttpError
        from httplib2 import HttpLib2Error

        def attempt() -> T:
            try:
                return ask()
            except HttpError as error:
                raise self._refusal(error) from None
            except (HttpLib2Error, TransportError, HTTPException, OSError) as error:
                raise Transient(type(error).__name__, first_line(error)) from None
            except GoogleAuthError as error:
                if error.retryable:
                    raise Transient(type(error).__name__, first_line(error)) from None
                why = first_line(error.args[0] if error.args else error).rstrip(".")
                raise Denied(f"The connection {self._connection}: Google refuses its credentials: {why}.") from None
            except (ValueError, KeyError):
                raise DownloadFailed("Google Drive's answer is not understood") from None

        try:
            return self._retries.call(what, attempt)
        except Unavailable as error:
            raise DownloadFailed(f"Google Drive is out of reach: {first_line(error.__cause__)}".rstrip(".")) from None

    def _refusal(self, error: Any) -> Exception:
        """What an HTTP error means."""
        status, reason = error.status_code, _reason(error.content)
        said = first_line(error.reason or f"HTTP {status}")
        if status == 404 and reason == "notFound":
            return Gone("there is no such file in Google Drive, or it is not shared with the connection's account")
        if status >= 500 or status == 429 or (status == 403 and reason in _TOO_FAST):
            return Transient(reason or f"HTTP {status}", said)
        if status == 403 and reason in _OF_THE_FILE:
            return DownloadFailed(_OF_THE_FILE[reason])
        if status in (401, 403):
            return Denied(
                f"Google Drive refuses the connection {self._connection} ({reason or status}): {said.rstrip('.')}. "
                "Share the folder with its account as a reader, and enable the Drive API in its project."
            )
        return DownloadFailed(f"Google Drive refuses it (HTTP {status}): {said}".rstrip("."))


class _Answer(BaseModel):
    kind: str = Field(default="", alias="mimeType")
    trashed: bool = False
    size: int | None = Field(default=None, ge=0)
    md5: str | None = Field(default=None, alias="md5Checksum", pattern="^[0-9a-f]{32}$")


def _require_id(file_id: str) -> None:
    """Refuse what can be no id: an empty one would ask for a listing."""
    if not _ID.fullmatch(file_id):
        raise DownloadFailed("its id is none of Google Drive's: letters, digits, - and _")


def _reason(content: bytes) -> str:
    """The word by which Google calls an error; empty where there is none."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    match document:
        case {"error": {"errors": [{"reason": str(reason)}, *_]}}:
            return first_line(reason) if reason else ""
    return ""
