"""A Dropbox connection as the short-lived token that a task or a worker shows.

The login is the app's key, the password its secret (empty for an app that was authorised with PKCE), and the extra
field `refresh_token` the token that is good until it is revoked. That one stays here: it is exchanged for one that is
good for four hours. Without a login, the password is an access token, which is handed on as it is.
"""

import os

from airflow.sdk import BaseHook
from airflow.sdk.log import mask_secret

from darkroom.errors import BadInput, Denied
from darkroom.store.access import DROPBOX, Access

_TOKEN, _REFRESH_TOKEN, _APP_KEY, _APP_SECRET = DROPBOX


def dropbox_environment(connection: str) -> dict[str, str]:
    """The variable by name; this process's own identity counts where no connection is named or it is empty.

    Nothing where there is none either: what then asks Dropbox says so. Raises `BadInput` for a half of an identity and
    for one that Dropbox does not take, `Unavailable` where it cannot be asked now.
    """
    from darkroom.outside.dropbox_session import short_lived_token

    identity = _of_connection(connection) if connection else {}
    whose = f"The connection {connection}: Dropbox" if identity else "Dropbox"
    identity = identity or {name: os.environ[name] for name in DROPBOX if os.environ.get(name)}
    for name in (_TOKEN, _REFRESH_TOKEN, _APP_SECRET):
        if name in identity:
            mask_secret(identity[name])
    if not identity:
        return {}
    if _REFRESH_TOKEN not in identity:
        return {_TOKEN: identity[_TOKEN]} if _TOKEN in identity else {}
    try:
        token = short_lived_token(Access({name: value for name, value in identity.items() if name != _TOKEN}))
    except Denied:
        raise BadInput(
            f"{whose} does not take the refresh token with the app's key; authorise the app again, and give both anew."
        ) from None
    mask_secret(token)
    return {_TOKEN: token}


def _of_connection(name: str) -> dict[str, str]:
    said = BaseHook.get_connection(name)
    key, word = (said.login or "").strip(), (said.password or "").strip()
    refresh = str(said.extra_dejson.get("refresh_token") or "").strip()
    if bool(key) != bool(refresh):
        raise BadInput(
            f"The connection {name}: its login is an app's key, and the field refresh_token of its extra what that app "
            "was given; fill in both, or neither, and an access token as its password."
        )
    if key:
        known = {_REFRESH_TOKEN: refresh, _APP_KEY: key, _APP_SECRET: word}
        return {variable: value for variable, value in known.items() if value}
    return {_TOKEN: word} if word else {}
