"""The first door: no password, no entry; no host but the sandbox's own; the real host names."""

from __future__ import annotations

import base64
import socket
import ssl
import time

import pytest
import requests

from akswi_helpers.sandbox.gateway import user_of
from akswi_helpers.sandbox.process import Running
from tests.sandbox.conftest import Cloud

LOGIN = "login.microsoftonline.com"


def said(running: Running, text: str) -> str:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as plain:
        plain.sendall(text.encode())
        return plain.makefile("rb").read().decode()


def connect(host: str, user: str = "", password: str = "") -> str:
    packed = base64.b64encode(f"{user}:{password}".encode()).decode()
    credentials = f"Proxy-Authorization: Basic {packed}\r\n" if user else ""
    return f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n{credentials}\r\n"


def test_connect_is_refused_without_the_password(sandbox: Running) -> None:
    answer = said(sandbox, connect(f"{LOGIN}:443"))
    assert answer.startswith("HTTP/1.1 407 ")
    assert 'Proxy-Authenticate: Basic realm="akswi sandbox"' in answer


@pytest.mark.parametrize("wrong", ["", "no", "x" * 500])
def test_connect_is_refused_with_a_wrong_password(sandbox: Running, wrong: str) -> None:
    assert said(sandbox, connect(f"{LOGIN}:443", "learner", wrong)).startswith("HTTP/1.1 407 ")


@pytest.mark.parametrize("target", ["example.com:443", f"{LOGIN}:80", "127.0.0.1:22", ":443", "x"])
def test_connect_is_refused_for_whatever_is_not_served(sandbox: Running, target: str) -> None:
    answer = said(sandbox, connect(target, "learner", sandbox.settings.proxy_password))
    assert answer.startswith("HTTP/1.1 403 ")
    assert "nothing leaves this machine through it" in answer


def test_plain_request_needs_the_password_too(sandbox: Running) -> None:
    head = "GET http://169.254.169.254/metadata/instance HTTP/1.1\r\nHost: x\r\n\r\n"
    assert said(sandbox, head).startswith("HTTP/1.1 407 ")


def test_plain_request_is_refused_for_another_host(cloud: Cloud) -> None:
    assert cloud.raw("GET", "http://management.azure.com/subscriptions").status_code == 403
    assert cloud.raw("GET", "http://example.com/").status_code == 403


def test_request_that_is_not_for_a_proxy_is_refused(sandbox: Running) -> None:
    assert requests.get(sandbox.address, timeout=10).status_code == 407
    assert said(sandbox, "nonsense\r\n\r\n").startswith("HTTP/1.1 400 ")


def test_tunnel_shows_the_real_hosts_certificate(sandbox: Running, cloud: Cloud) -> None:
    trust = ssl.create_default_context(cafile=str(sandbox.ca_file))
    head = connect(f"{LOGIN}:443", "learner", sandbox.settings.proxy_password)
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as plain:
        plain.sendall(head.encode())
        assert plain.recv(1000).startswith(b"HTTP/1.1 200 ")
        with trust.wrap_socket(plain, server_hostname=LOGIN) as secure:
            assert ("DNS", LOGIN) in secure.getpeercert()["subjectAltName"]  # type: ignore[index]


def test_tunnel_is_refused_by_a_client_that_trusts_other_authorities(cloud: Cloud) -> None:
    with pytest.raises(requests.exceptions.SSLError):
        cloud.raw("GET", f"https://{LOGIN}/", verify=True)


def test_host_header_does_not_lead_past_the_tunnels_services(cloud: Cloud) -> None:
    answer = cloud.raw("GET", f"https://{LOGIN}/", headers={"Host": "example.com"})
    assert answer.status_code == 421
    assert "does not serve example.com" in answer.text


def test_slow_and_split_head_is_understood(sandbox: Running) -> None:
    head = connect("example.com:443", "learner", sandbox.settings.proxy_password).encode()
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=10) as plain:
        for part in (head[:9], head[9:-2], head[-2:]):
            plain.sendall(part)
            time.sleep(0.03)
        assert plain.recv(1000).startswith(b"HTTP/1.1 403 ")


def test_many_requests_share_a_connection_without_a_delay(cloud: Cloud) -> None:
    url = f"https://{LOGIN}/common/discovery/instance"
    cloud.raw("GET", url)
    begun = time.monotonic()
    assert {cloud.raw("GET", url).status_code for _ in range(20)} == {200}
    assert (time.monotonic() - begun) / 20 < 0.03  # a delayed acknowledgement costs 0.044


def test_body_over_the_limit_is_refused(cloud: Cloud) -> None:
    answer = cloud.raw("POST", f"https://{LOGIN}/x/oauth2/token", data=b"x" * (9 * 1024 * 1024))
    assert answer.status_code == 413


def test_user_of_reads_a_percent_encoded_name() -> None:
    packed = base64.b64encode(b"aks%2Dnode:secret").decode()
    assert user_of(f"Basic {packed}", "secret") == "aks-node"
    assert user_of(f"Bearer {packed}", "secret") is None


@pytest.mark.parametrize("user", ["", "a b", "a\nb", "../x", "x" * 200])
def test_user_of_refuses_a_name_that_could_mislead(user: str) -> None:
    packed = base64.b64encode(f"{user}:secret".encode()).decode()
    assert user_of(f"Basic {packed}", "secret") is None
