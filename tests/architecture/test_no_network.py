"""No test needs the network: the guard in ``tests/conftest.py`` itself."""

import os
import socket

import pytest


@pytest.mark.parametrize("name", ["connect", "connect_ex"])
def test_a_connection_to_elsewhere_fails_the_test(name: str) -> None:
    with socket.socket() as elsewhere, pytest.raises(pytest.fail.Exception, match=r"192\.0\.2\.1"):
        getattr(elsewhere, name)(("192.0.2.1", 80))


def test_this_machine_may_be_reached() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as here,
    ):
        assert here.getpeername() == server.getsockname()


def test_the_hub_is_off() -> None:
    assert os.environ["HF_HUB_OFFLINE"] == "1"
