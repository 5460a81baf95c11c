"""What a sandbox is given so that its programs go through a proxy, the gateway's own or OneCLI's. Pure.

A OneCLI server says which variables programs are to see. It does not say which programs run, or what they load: a
variable that decides this refuses the start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import attrs
from attrs import frozen

from nanoclaw.core.egress_requests import SECURE
from nanoclaw.core.endpoints import BadEndpoint, Endpoint, read_endpoint
from nanoclaw.core.notices import plain
from nanoclaw.core.onecli import ContainerConfig, Unfit
from nanoclaw.model.bindings import GATEWAY
from schema.files import PROXY_BUNDLE, PROXY_CA

MOST_VARIABLES = 64
MOST_VALUE = 8192
MOST_CERTIFICATES = 256 << 10
"""Bytes of the certificates, as text."""

PROXIES = frozenset({"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"})
NO_PROXY = frozenset({"NO_PROXY", "no_proxy"})
"""What the server says there is passed over: the runner knows what is near."""
BUNDLES = ("SSL_CERT_FILE", "DENO_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO")
"""Variables by which programs are told whom to trust, instead of whom they trust already."""
POINTING = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": f"url.http://{GATEWAY}/{SECURE}.insteadOf",
    "GIT_CONFIG_VALUE_0": SECURE,
}
"""git asks the gateway first, by plain HTTP, and is sent on from there: it shows what answers that, and nothing of what
answers a CONNECT but its number. git-config(1), "url.<base>.insteadOf", "http.followRedirects"."""
FROM_INSIDE = {"host.docker.internal": "127.0.0.1", "host.containers.internal": "127.0.0.1"}
"""Names that sandboxes with a network have for this machine: it is the host that connects, and it is here."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_STEERS = re.compile(
    r"PATH|HOME|SHELL|IFS|ENV|BASH_ENV|BASH_FUNC.*|PROMPT_COMMAND|USER|LOGNAME|PWD|TMPDIR|LD_.*|DYLD_.*|GLIBC_.*|GCONV_PATH"
    r"|PYTHON.*|NODE_OPTIONS|NODE_PATH|NODE_REPL.*|PERL5?LIB|PERL5OPT|RUBY(?:LIB|OPT)|JAVA_TOOL_OPTIONS|_JAVA_OPTIONS"
    r"|GIT_(?:SSH.*|EXEC_PATH|CONFIG.*|EDITOR|PAGER|ASKPASS|EXTERNAL_DIFF|TEMPLATE_DIR|DIR|WORK_TREE)|SSH_ASKPASS|EDITOR|VISUAL|PAGER"
    r"|NANOCLAW.*|CLAUDE_CONFIG_DIR|ANTHROPIC_BASE_URL|IS_SANDBOX|OPENSSL_(?:CONF|ENGINES|MODULES)",
    re.IGNORECASE | re.ASCII,
)
_CERTIFICATES = re.compile(
    r"\s*(?:-----BEGIN CERTIFICATE-----\s[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+", re.ASCII
)
_USER = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=%-]*(?::[A-Za-z0-9._~!$&'()*+,;=%-]*)?", re.ASCII)


@frozen(kw_only=True)
class ProxySettings:
    """What one agent group's sandboxes are given."""

    proxy: Endpoint
    """Where the host connects for them."""
    variables: Mapping[str, str]
    """As the server says them."""
    proxies: Mapping[str, str]
    """Variables that name the proxy, and who the agent is there: what stands before the @."""
    certificates: Mapping[str, str]
    """Variables that name a file with certificates, and which of the two."""
    ca: str
    """The proxy's own certificates, as text."""
    model: bool = False
    """Does the model answer by way of the proxy too? Otherwise by the gateway."""


@frozen
class OwnProxy:
    """What sandboxes are given where the gateway itself is their proxy: nothing but the way there."""


def proxy_settings(config: ContainerConfig) -> ProxySettings | Unfit:
    """What a sandbox is given of *config*, or why nothing: half of it would be a sandbox that cannot work."""
    if (why := _wrong(config)) is not None:
        return Unfit(why)
    found = {name: value for name, value in config.env.items() if name in PROXIES}
    ways = {name: _proxy(value) for name, value in found.items()}
    bad = {name: way for name, way in ways.items() if isinstance(way, Unfit)}
    if bad:
        name, way = min(bad.items())
        return Unfit(f"env: {name}: {way.why}")
    places = {way.place: way for way in ways.values() if isinstance(way, _Proxy)}
    if not places:
        return Unfit("env: names no proxy, so nothing would lead out")
    if len(places) > 1:
        return Unfit("env: names more than one proxy")
    own = {
        name: PROXY_CA for name, value in config.env.items() if value == config.ca_certificate_container_path
    } | dict.fromkeys(BUNDLES, PROXY_BUNDLE)
    return ProxySettings(
        proxy=next(iter(places)),
        variables={
            name: value
            for name, value in sorted(config.env.items())
            if name not in PROXIES and name not in NO_PROXY and name not in own
        },
        proxies={name: way.user for name, way in sorted(ways.items()) if isinstance(way, _Proxy)},
        certificates=dict(sorted(own.items())),
        ca=config.ca_certificate.strip() + "\n",
    )


def proxy_json(settings: ProxySettings | OwnProxy) -> dict[str, object]:
    """The content of proxy.json, which the runner reads."""
    if isinstance(settings, OwnProxy):
        return {
            "variables": POINTING,
            "proxies": dict.fromkeys(sorted(PROXIES), ""),
            "certificates": {},
            "model": False,
        }
    return {
        "variables": dict(settings.variables),
        "proxies": dict(settings.proxies),
        "certificates": dict(settings.certificates),
        "model": settings.model,
    }


@frozen
class _Proxy:
    place: Endpoint
    user: str


def _proxy(url: str) -> _Proxy | Unfit:
    user, at, rest = url.partition("://")[2].rpartition("@")
    scheme = url.partition("://")[0]
    if _USER.fullmatch(user) is None:
        return Unfit("the user in the proxy's address makes no sense")
    endpoint = read_endpoint(f"{scheme}://{rest}" if at else url)
    if isinstance(endpoint, BadEndpoint):
        return Unfit(f"the proxy's address {plain(endpoint.why)}")
    if endpoint.path or urlsplit(url).port is None:
        return Unfit("the proxy's address has a path, or no port")
    return _Proxy(attrs.evolve(endpoint, host=FROM_INSIDE.get(endpoint.host, endpoint.host)), user)


def _wrong(config: ContainerConfig) -> str | None:
    if len(config.env) > MOST_VARIABLES:
        return f"env: more than {MOST_VARIABLES} variables"
    for name, value in sorted(config.env.items()):
        if _NAME.fullmatch(name) is None:
            return f"env: {plain(name, 64)}: not the name of a variable"
        if _STEERS.fullmatch(name) is not None:
            return f"env: {name}: decides what runs in a sandbox, which is not the server's to say"
        if len(value) > MOST_VALUE or not value.isprintable():
            return f"env: {name}: longer than {MOST_VALUE} characters, or not on one line"
    if len(config.ca_certificate) > MOST_CERTIFICATES or _CERTIFICATES.fullmatch(config.ca_certificate) is None:
        return f"caCertificate: not certificates in PEM, or more than {MOST_CERTIFICATES >> 10} KiB of them"
    return None
