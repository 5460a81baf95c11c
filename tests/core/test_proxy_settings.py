"""What a sandbox is given of a server's configuration: all of it as meant, or nothing and the reason."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoclaw.core.endpoints import Endpoint
from nanoclaw.core.onecli import ContainerConfig, Unfit
from nanoclaw.core.proxy_settings import MOST_VARIABLES, ProxySettings, proxy_json, proxy_settings
from schema.files import PROXY_BUNDLE, PROXY_CA

CA = "-----BEGIN CERTIFICATE-----\nTUlJ\nQg==\n-----END CERTIFICATE-----\n"
PROXY = "http://x:aoc_token@127.0.0.1:10255"
PATH = "/tmp/onecli-gateway-ca.pem"
CONFIG = ContainerConfig(
    env={"HTTPS_PROXY": PROXY, "http_proxy": PROXY, "NODE_EXTRA_CA_CERTS": PATH, "GIT_TERMINAL_PROMPT": "0"},
    ca_certificate=CA,
    ca_certificate_container_path=PATH,
)


def given_of(**env: str) -> ProxySettings:
    found = proxy_settings(attrs.evolve(CONFIG, env={**CONFIG.env, **env}))
    assert isinstance(found, ProxySettings), found
    return found


def refused(config: ContainerConfig) -> str:
    found = proxy_settings(config)
    assert isinstance(found, Unfit)
    return found.why


def refused_env(**env: str) -> str:
    return refused(attrs.evolve(CONFIG, env={**CONFIG.env, **env}))


def test_the_proxy_is_where_the_host_connects_and_its_user_is_what_the_sandbox_says() -> None:
    found = given_of()
    assert found.proxy == Endpoint(scheme="http", host="127.0.0.1", port=10255)
    assert found.proxies == {"HTTPS_PROXY": "x:aoc_token", "http_proxy": "x:aoc_token"}
    assert found.variables == {"GIT_TERMINAL_PROMPT": "0"}


def test_variables_that_name_the_servers_file_name_ours_and_bundles_are_set_besides() -> None:
    found = given_of(SSL_CERT_FILE=PATH, FOO_CA=PATH)
    assert found.certificates["NODE_EXTRA_CA_CERTS"] == found.certificates["FOO_CA"] == PROXY_CA
    assert found.certificates["SSL_CERT_FILE"] == found.certificates["GIT_SSL_CAINFO"] == PROXY_BUNDLE
    assert not found.certificates.keys() & found.variables.keys()


@pytest.mark.parametrize("host", ["host.docker.internal", "HOST.docker.internal", "host.containers.internal"])
def test_names_that_sandboxes_have_for_this_machine_are_this_machine(host: str) -> None:
    way = f"http://x:t@{host}:10255"
    assert given_of(HTTPS_PROXY=way, http_proxy=way).proxy.host == "127.0.0.1"


def test_what_is_near_is_the_runners_to_say() -> None:
    assert given_of(NO_PROXY="*", no_proxy="api.example.com").variables == given_of().variables


@pytest.mark.parametrize(
    "name",
    [
        *("PATH", "LD_PRELOAD", "ld_library_path", "PYTHONPATH", "NODE_OPTIONS", "BASH_ENV", "GIT_SSH_COMMAND", "HOME"),
        *("GIT_CONFIG_COUNT", "GIT_ASKPASS", "CLAUDE_CONFIG_DIR", "ANTHROPIC_BASE_URL", "NANOCLAW_HOME", "PERL5OPT"),
    ],
)
def test_the_server_does_not_say_what_runs(name: str) -> None:
    assert (
        refused_env(**{name: "x"}) == f"env: {name}: decides what runs in a sandbox, which is not the server's to say"
    )


@pytest.mark.parametrize(
    "way",
    [
        *("", "127.0.0.1:1", "socks5://x@127.0.0.1:1", "http://x:t@127.0.0.1", "http://x:t@127.0.0.1:1/path"),
        *("http://a b@127.0.0.1:1", "http://x@y@127.0.0.1:1", "http://x:t@:1", "http://x:t@127.0.0.1:99999"),
    ],
)
def test_a_proxy_that_is_none_refuses_all(way: str) -> None:
    assert refused_env(HTTPS_PROXY=way).startswith("env: HTTPS_PROXY: ")


def test_without_a_proxy_or_with_two_nothing_is_given() -> None:
    assert "no proxy" in refused(attrs.evolve(CONFIG, env={"A": "b"}))
    assert "more than one" in refused_env(ALL_PROXY="http://x:t@127.0.0.1:10256")


@pytest.mark.parametrize(
    "ca", ["", "x", CA + "-----BEGIN PRIVATE KEY-----\nQg==\n-----END PRIVATE KEY-----", CA * 10_000]
)
def test_only_certificates_are_certificates(ca: str) -> None:
    assert refused(attrs.evolve(CONFIG, ca_certificate=ca)).startswith("caCertificate: ")


@pytest.mark.parametrize(
    ("name", "value"), [("A B", "x"), ("", "x"), ("1A", "x"), ("A", "x\ny"), ("A", "\0"), ("A", "x" * 9000)]
)
def test_what_is_no_variable_refuses_all(name: str, value: str) -> None:
    assert refused_env(**{name: value}).startswith("env: ")


def test_there_are_only_so_many_variables() -> None:
    assert "more than" in refused_env(**{f"A{number}": "" for number in range(MOST_VARIABLES)})


@given(
    st.dictionaries(st.text(max_size=20) | st.sampled_from(["HTTPS_PROXY", "PATH"]), st.text(max_size=30), max_size=6)
)
def test_whatever_the_server_says_what_is_given_is_plain(env: dict[str, str]) -> None:
    found = proxy_settings(attrs.evolve(CONFIG, env={"HTTP_PROXY": PROXY, **env}))
    if isinstance(found, Unfit):
        assert found.why.isprintable()
        return
    for name, value in (*found.variables.items(), *found.proxies.items()):
        assert name.isidentifier()
        assert name.upper() not in {"PATH", "LD_PRELOAD"}
        assert value.isprintable()
    assert proxy_json(found)["model"] is False
