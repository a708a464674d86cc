"""A network whose names and addresses are made up."""

import socket
from typing import Any

import pytest
import urllib3.util.connection


class Network:
    """Names with made-up addresses, of which each is this machine. A name's answers are taken in turn; the last stays.

    `asked` are the names that were looked up, `reached` the addresses that were connected to.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.dead: set[str] = set()
        self.asked: list[str] = []
        self.reached: list[str] = []
        self._getaddrinfo, self._connect = socket.getaddrinfo, urllib3.util.connection.create_connection
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)
        monkeypatch.setattr(urllib3.util.connection, "create_connection", self._connect_here)

    def _look_up(self, host: str, port: int, *args: Any, **options: Any) -> list[Any]:
        if host not in self.names:
            return self._getaddrinfo(host, port, *args, **options)
        self.asked.append(host)
        answers = self.names[host]
        ips = answers.pop(0) if len(answers) > 1 else answers[0]
        return [found for ip in ips for found in self._getaddrinfo(ip, port, type=socket.SOCK_STREAM)]

    def _connect_here(self, address: tuple[str, int], *args: Any, **options: Any) -> socket.socket:
        self.reached.append(address[0])
        if address[0] in self.dead:
            raise ConnectionRefusedError(111, "Connection refused")
        return self._connect(("127.0.0.1", address[1]), *args, **options)
