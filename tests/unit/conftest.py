"""Unit tests open no socket."""

import pytest_socket


def pytest_runtest_setup() -> None:
    # Unix sockets are what asyncio's own loop is made of
    pytest_socket.disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown() -> None:
    pytest_socket.enable_socket()
