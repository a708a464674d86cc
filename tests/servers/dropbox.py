"""Dropbox's API v2 over TLS, as far as listing and reading go, for Dropbox's real library.

    with FakeDropbox(tmp_path) as dropbox:
        dropbox.put("/Renders/FP DR1003/t1_belt_front_0003.png", content)
        dropbox.fault("files/list_folder/continue", Busy(after=1))
        Dropbox(dropbox.access()).changes("/Renders")

As the service has it: pages and cursors that stay good (or are reset), tokens that expire and are had by a refresh
token, rights (scopes), a team's root beside the member's own folder, mounted shared folders, revisions that outlive a
change, ranges, longpoll, errors in Dropbox's form, names without case. A thread serves it, so other processes can use
it by `environment()`. What stays different: writing is done by methods, and there is no upper limit to anything.
"""

import json
import re
import secrets
import ssl
import threading
import time
from collections import defaultdict, deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from darkroom.store.access import Access
from tests.servers.dropbox_faults import Answer, Busy, Cut, Fault, Hang, Meanwhile, Twisted
from tests.servers.dropbox_files import Files, Node
from tests.servers.hostile_web import certificate

APP_KEY, APP_SECRET = "a1b2c3d4e5f6g7h", "h7g6f5e4d3c2b1a"
SCOPES = ("account_info.read", "files.metadata.read", "files.content.read")
HOME, ROOT = "11", "22"  # the namespaces of a member's own folder, and of the team's space


@dataclass(frozen=True, slots=True)
class Got:
    """A request as it came. `range` is its header."""

    route: str
    arg: Any
    range: str
    token: str


class FakeDropbox(ThreadingHTTPServer):
    """Runs with the block. `page` is how many entries a page has, `team` whether the account is in a team's space.

    In a team's space the member's own folder is `/Ann`.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, folder: Path, *, page: int = 3, team: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pem = certificate(folder, "127.0.0.1", "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem)
        # the handshake is done by a request's own thread, not by the one that accepts
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.page, self.team = page, team
        self.files = Files()
        self.refresh_token = secrets.token_urlsafe(40)
        self.tokens: dict[str, bool] = {}  # whether each is still good
        self.scopes = set(SCOPES)
        self.got: list[Got] = []
        self.faults: dict[str, deque[Fault]] = defaultdict(deque)
        self.lock = threading.RLock()

    def __enter__(self) -> "FakeDropbox":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """Clients that go away are what is tested."""

    def put(self, path: str, content: bytes, modified: datetime | None = None, **extra: object) -> str:
        """A file, new or over another; returns its revision. `modified` is the server's time, now if not given."""
        with self.lock:
            return self.files.put(path, content, modified, **extra)

    def make_folder(self, path: str) -> None:
        """An empty folder."""
        with self.lock:
            self.files.make_folder(path)

    def share(self, path: str) -> None:
        """A shared folder, mounted there."""
        with self.lock:
            self.files.make_folder(path, sharing_info={"read_only": False, "shared_folder_id": "8675309"})

    def put_document(self, path: str) -> None:
        """A Paper document, which cannot be downloaded but exported."""
        self.put(path, b"", is_downloadable=False, export_info={"export_as": "html"})

    def remove(self, path: str) -> None:
        """A file, or a folder with all in it."""
        with self.lock:
            self.files.remove(path)

    def rename(self, old: str, new: str) -> None:
        """A file, or a folder with all in it; contents and times stay."""
        with self.lock:
            self.files.rename(old, new)

    def reset_cursors(self) -> None:
        """From now on no cursor that was given out is good."""
        with self.lock:
            self.files.reset()

    def forget(self, rev: str) -> None:
        """A revision can be had no more."""
        with self.lock:
            self.files.revisions.pop(rev, None)

    def expire_tokens(self) -> None:
        """Hours go by."""
        self.tokens = dict.fromkeys(self.tokens, False)

    def token(self) -> str:
        """A new short-lived access token."""
        token = f"sl.u.{secrets.token_urlsafe(60)}"
        self.tokens[token] = True
        return token

    def fault(self, route: str, *faults: Fault) -> None:
        """What the next requests of a route (`files/download`, `oauth2/token`) meet, one each."""
        self.faults[route].extend(faults)

    def asked(self, route: str) -> list[Got]:
        """The requests of a route, in the order in which they came."""
        return [one for one in self.got if one.route == route]

    def hosts(self) -> dict[str, str]:
        """The variables that lead a process here, without a credential."""
        host = f"127.0.0.1:{self.server_address[1]}"
        names = ("DROPBOX_API_HOST", "DROPBOX_API_CONTENT_HOST", "DROPBOX_API_NOTIFY_HOST")
        return dict.fromkeys(names, host) | {"REQUESTS_CA_BUNDLE": str(self.pem)}

    def environment(self) -> dict[str, str]:
        """The variables that lead a process here, with a short-lived token."""
        return self.hosts() | {"DARKROOM_DROPBOX_TOKEN": self.token()}

    def access(self) -> Access:
        """The same as a value."""
        return Access(self.environment())

    def renewable(self) -> Access:
        """An access with the refresh token instead."""
        known = {"REFRESH_TOKEN": self.refresh_token, "APP_KEY": APP_KEY, "APP_SECRET": APP_SECRET}
        return Access(self.hosts() | {f"DARKROOM_DROPBOX_{name}": value for name, value in known.items()})

    def connection(self) -> str:
        """An Airflow connection with the refresh token, as an environment variable holds it."""
        extra = {"refresh_token": self.refresh_token}
        return json.dumps({"conn_type": "generic", "login": APP_KEY, "password": APP_SECRET, "extra": extra})


class _Refused(Exception):
    """An error in Dropbox's form; `error` is its union."""

    def __init__(self, status: int, error: Any = None, text: str = "") -> None:
        self.status, self.error, self.text = status, error, text


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: FakeDropbox

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.body_fault: Fault | None = None
        try:
            self._route(body)
        except _Done:
            return
        except _Refused as refused:
            if refused.text:
                self._send(refused.status, refused.text.encode(), {"Content-Type": "text/plain"})
            else:
                self._json(refused.status, {"error_summary": _summary(refused.error), "error": refused.error})

    def _route(self, body: bytes) -> None:
        route = self.path.removeprefix("/2/").removeprefix("/")
        is_form = route == "oauth2/token"
        said = body.decode() if not self.headers.get("Dropbox-API-Arg") else self.headers["Dropbox-API-Arg"]
        arg = {name: value[0] for name, value in parse_qs(said).items()} if is_form else json.loads(said or "null")
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.server.got.append(Got(route, arg, self.headers.get("Range", ""), token))
        self._meet(route)
        if is_form:
            self._token(arg)
            return
        answer = {
            "users/get_current_account": self._account,
            "files/get_metadata": self._metadata,
            "files/list_folder": self._list,
            "files/list_folder/continue": self._continue,
            "files/list_folder/longpoll": self._longpoll,
            "files/download": self._download,
        }.get(route)
        if answer is None:
            raise _Refused(400, text=f'Unknown API function: "{route}"')
        if route != "files/list_folder/longpoll":
            self._authorise(token, route)
        answer(arg)

    def _meet(self, route: str) -> None:
        waiting = self.server.faults[route]
        fault = waiting.popleft() if waiting else None
        if isinstance(fault, Answer):
            self._send(fault.status, fault.body, {"Content-Type": fault.content_type, **fault.headers})
            raise _Done
        if isinstance(fault, Busy):
            error = {"reason": {".tag": "too_many_requests"}, "retry_after": fault.after}
            document = {"error_summary": "too_many_requests/..", "error": error}
            self._json(429, document, {"Retry-After": str(fault.after)})
            raise _Done
        if isinstance(fault, Hang):
            time.sleep(fault.seconds)
        else:
            self.body_fault = fault

    def _token(self, form: Mapping[str, str]) -> None:
        known = {"client_id": APP_KEY, "client_secret": APP_SECRET}
        if any(form.get(name) != value for name, value in known.items()):
            self._json(400, {"error": "invalid_client: Invalid client_id or client_secret"})
        elif form.get("grant_type") != "refresh_token" or form.get("refresh_token") != self.server.refresh_token:
            self._json(400, {"error": "invalid_grant", "error_description": "refresh token is invalid or revoked"})
        else:
            token = self.server.token()
            self._json(200, {"access_token": token, "token_type": "bearer", "expires_in": 14400})

    def _authorise(self, token: str, route: str) -> None:
        if token not in self.server.tokens:
            raise _Refused(401, {".tag": "invalid_access_token"})
        if not self.server.tokens[token]:
            raise _Refused(401, {".tag": "expired_access_token"})
        scope = {"users/get_current_account": SCOPES[0], "files/download": SCOPES[2]}.get(route, SCOPES[1])
        if scope not in self.server.scopes:
            raise _Refused(401, {".tag": "missing_scope", "required_scope": scope})

    @property
    def _home(self) -> str:
        """What stands before every path of this request."""
        said = json.loads(self.headers.get("Dropbox-API-Path-Root", '{".tag": "home"}'))
        if said[".tag"] == "root" and said.get("root") != (ROOT if self.server.team else HOME):
            raise _Refused(422, {".tag": "invalid_root", "invalid_root": self._roots()})
        return "/Ann" if self.server.team and said[".tag"] == "home" else ""

    def _roots(self) -> dict[str, str]:
        if self.server.team:
            return {".tag": "team", "root_namespace_id": ROOT, "home_namespace_id": HOME, "home_path": "/Ann"}
        return {".tag": "user", "root_namespace_id": HOME, "home_namespace_id": HOME}

    def _account(self, _: Any) -> None:
        name = {"given_name": "Ann", "surname": "Lee", "familiar_name": "Ann", "display_name": "Ann Lee"}
        self._json(
            200,
            {
                "account_id": "dbid:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "name": {**name, "abbreviated_name": "AL"},
                "email": "ann@studio.example",
                "email_verified": True,
                "disabled": False,
                "locale": "en",
                "referral_link": "https://www.dropbox.com/r",
                "is_paired": False,
                "account_type": {".tag": "business" if self.server.team else "basic"},
                "root_info": self._roots(),
            },
        )

    def _found(self, path: str, wrong: str = "path") -> Node:
        if not re.fullmatch(r"(/[^/].*[^/]|/[^/])", path, re.DOTALL):
            raise _Refused(409, {".tag": wrong, wrong: {".tag": "malformed_path"}})
        node = self.server.files.nodes.get((self._home + path).lower())
        if node is None:
            raise _Refused(409, {".tag": wrong, wrong: {".tag": "not_found"}})
        return node

    def _metadata(self, arg: Any) -> None:
        with self.server.lock:
            found = self._found(arg["path"]).metadata(self._home)
        self._json(200, found)

    def _list(self, arg: Any) -> None:
        path = arg["path"]
        with self.server.lock:
            if path and self._found(path).rev:
                raise _Refused(409, {".tag": "path", "path": {".tag": "not_folder"}})
            limit = min(arg.get("limit") or self.server.page, self.server.page)
            mounted = arg.get("include_mounted_folders", True)
            recursive = arg.get("recursive", False)
            start = self.server.files.start(self._home + path, limit, recursive, mounted)
            self._page(start)

    def _continue(self, arg: Any) -> None:
        with self.server.lock:
            try:
                cursor = self.server.files.cursor(arg["cursor"])
            except KeyError:
                raise _Refused(400, text='Error in call to API function "files/list_folder/continue": cursor') from None
            if cursor is None:
                raise _Refused(409, {".tag": "reset"})
            if cursor.folder != self._home and cursor.folder.lower() not in self.server.files.nodes:
                raise _Refused(409, {".tag": "path", "path": {".tag": "not_found"}})
            self._page(cursor)

    def _page(self, cursor: Any) -> None:
        nodes, rest, has_more = self.server.files.page(cursor)
        name = self.server.files.named(rest)
        entries = [node.metadata(self._home) for node in nodes]
        self._json(200, {"entries": entries, "cursor": name, "has_more": has_more})

    def _longpoll(self, arg: Any) -> None:
        until = time.monotonic() + arg.get("timeout", 30)
        cursor = self.server.files.cursor(arg["cursor"])
        while (changes := cursor is not None and self.server.files.has_more(cursor)) is False:
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        self._json(200, {"changes": changes})

    def _download(self, arg: Any) -> None:
        path = arg["path"]
        with self.server.lock:
            is_rev = path.startswith("rev:")
            node = self.server.files.revisions.get(path.removeprefix("rev:")) if is_rev else self._found(path)
        if node is None:
            raise _Refused(409, {".tag": "path", "path": {".tag": "not_found"}})
        if not node.extra.get("is_downloadable", True):
            raise _Refused(409, {".tag": "unsupported_file"})
        content, status, headers = node.content, 200, {}
        if asked := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", "")):
            first = int(asked[1])
            if first >= len(content):
                self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            content = content[first : int(asked[2]) + 1 if asked[2] else None]
            headers["Content-Range"] = f"bytes {first}-{first + len(content) - 1}/{len(node.content)}"
            status = 206
        headers["Dropbox-API-Result"] = json.dumps(node.metadata(self._home))
        self._send(status, content, {"Content-Type": "application/octet-stream", **headers})

    def _json(self, status: int, document: Any, headers: Mapping[str, str] = {}) -> None:
        if isinstance(self.body_fault, Twisted):
            document, self.body_fault = self.body_fault.how(document), None
        self._send(status, json.dumps(document).encode(), {"Content-Type": "application/json", **headers})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        fault = self.body_fault
        if isinstance(fault, Twisted):
            body = fault.how(body)
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "X-Dropbox-Request-Id": "0" * 32, **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        half = len(body) // 2
        self.wfile.write(body[: fault.at] if isinstance(fault, Cut) else body[:half])
        if isinstance(fault, Cut):
            self.close_connection = True
            with suppress(OSError):
                self.connection.close()
            return
        if isinstance(fault, Meanwhile):
            fault.do()
        self.wfile.write(body[half:])

    def log_message(self, *_: Any) -> None:
        """Tests have enough to read."""


class _Done(Exception):
    """The answer is out already."""


def _summary(error: Any) -> str:
    tags = []
    while isinstance(error, dict):
        tags.append(error.get(".tag", ""))
        error = error.get(error.get(".tag", ""))
    return "/".join(tags) + "/.."
