"""A mail server that keeps what it is given, and lets in one user."""

import email
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.servers.processes import free_ports


@dataclass
class MailServer:
    """Where it is, and what has come: each mail with whom it is for."""

    port: int
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    """Instead of taking the next mails, it says these."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Keep a mail, or not."""
        if self.answers:
            return self.answers.pop(0)
        mail = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((envelope.rcpt_tos, mail))
        return "250 OK"


@contextmanager
def mail_server(user: str, password: str) -> Iterator[MailServer]:
    """A server on loopback that takes mails of this user only."""

    def known(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and (data.login, data.password) == (user.encode(), password.encode())
        return AuthResult(success=right)

    server = MailServer(free_ports(1))
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=server.port,
        authenticator=known,
        auth_required=True,
        auth_require_tls=False,
    )
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
