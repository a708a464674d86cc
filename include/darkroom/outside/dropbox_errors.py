"""What can go wrong with Dropbox, in words."""

from typing import Any

from darkroom.errors import BadInput, Denied, NotFound, SourceChanged, StoreError, Unavailable
from darkroom.store.access import DROPBOX
from darkroom.store.retries import Transient

TOKEN, REFRESH_TOKEN, APP_KEY, APP_SECRET = DROPBOX

_GIVE = f"give {TOKEN} a fresh one, or set {REFRESH_TOKEN} and {APP_KEY}"
_LONGEST_ASKED = 120.0  # seconds that are waited because Dropbox asks for it; then it is the next run's


class CursorReset(StoreError):
    """Dropbox takes a cursor no more: list the folder from the start (cursor ""), and compare with what is known."""


def misread(why: str) -> StoreError:
    """The error for an answer that is none of Dropbox's."""
    return StoreError(f"Dropbox: its answer is not understood: {why}.")


def busy(after: float | None) -> Exception:
    """What 429 means, with the seconds that Dropbox asks to wait."""
    seconds = 5.0 if after is None else float(after)
    if not 0 <= seconds <= _LONGEST_ASKED:
        return Unavailable(f"Dropbox asks to wait for {seconds:.0f} seconds (HTTP 429); try again after that.")
    return Transient("HTTP 429", "too many requests", seconds)


def refused(error: Any) -> Denied | Unavailable:
    """What a 401 means, of the library's `AuthError`."""
    reason = error.error
    if reason is None or reason.is_other():
        return Denied(f"Dropbox refuses the token; {_GIVE}.")
    if reason.is_expired_access_token():
        return Unavailable(f"Dropbox: the token has expired; {_GIVE}.")
    if reason.is_missing_scope():
        scope = str(reason.get_missing_scope().required_scope)
        name = scope if scope.isprintable() and len(scope) < 60 else "files.metadata.read and files.content.read"
        return Denied(f"Dropbox: the app has no permission {name}; add it in the app console, and authorise it again.")
    if reason.is_user_suspended():
        return Denied("Dropbox: the account is suspended; ask whoever administers it.")
    return Denied(f"Dropbox refuses the token; {_GIVE}.")


def of_folder(error: Any, location: str) -> StoreError | BadInput:
    """What an error of a listing means; `error` is the library's union of its route."""
    if hasattr(error, "is_reset") and error.is_reset():
        return CursorReset(f"{location}: Dropbox takes the cursor no more; the folder is listed from the start.")
    if not error.is_path():
        return StoreError(f"{location}: Dropbox cannot list it.")
    reason = error.get_path()
    if reason.is_not_found():
        return NotFound(
            f"{location}: there is no such folder in Dropbox; see that it is written as dropbox.com shows it, and "
            "shared with the account."
        )
    if reason.is_not_folder():
        return BadInput(f"{location}: it is a file; name the folder that it lies in.")
    if reason.is_malformed_path():
        return BadInput(f"{location}: Dropbox takes it for no path; write it as dropbox.com shows it.")
    if reason.is_restricted_content():
        return Denied(f"{location}: Dropbox does not give it out, for legal reasons; ask its owner.")
    return StoreError(f"{location}: Dropbox cannot list it.")


def of_file(error: Any, path: str) -> StoreError:
    """What an error of a download means."""
    if error.is_path():
        reason = error.get_path()
        if reason.is_not_found():
            return SourceChanged(f"{path}: it changed since plan, and its revision is gone")
        if reason.is_restricted_content():
            return StoreError(f"{path}: Dropbox does not give it out, for legal reasons; ask its owner")
        if reason.is_locked():
            return StoreError(f"{path}: somebody has locked it in Dropbox; unlock it there")
    return StoreError(f"{path}: Dropbox does not give it out")
