"""`make compose-up` where the UI's port is taken."""

import socket

import pytest

from demo.compose_up import NotReady, require_free


def test_a_port_that_is_taken_is_named_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(NotReady, match=f"Port {port} is taken here: set a free one as AIRFLOW_PORT"):
            require_free(port)
    require_free(port)
