"""Puts beside a session's socket what its programs need to find their proxy, and to trust it where it is OneCLI's.

The folder is the host's; the sandbox sees it read-only. All of it is made anew for each start.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from nanoclaw.composing import handles
from nanoclaw.core.proxy_settings import OwnProxy, ProxySettings, proxy_json
from schema.files import PROXY_BUNDLE, PROXY_CA, PROXY_JSON

TRUSTED = (
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
)
"""Where machines keep whom they trust; the first that is there counts."""
MOST_TRUSTED = 4 << 20


def publish_proxy(folder: Path, settings: ProxySettings | OwnProxy | None) -> None:
    """Write what *settings* say into *folder*, or see to it that nothing there says anything. Blocks.

    Raises:
      OSError: the disk would not.
    """
    with handles.folder(folder) as gateway:
        if not isinstance(settings, ProxySettings):
            for name in (PROXY_JSON, PROXY_CA, PROXY_BUNDLE):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=gateway)
            if settings is not None:
                _publish_json(gateway, settings)
            return
        own = settings.ca.encode()
        handles.publish(gateway, PROXY_CA, own)
        handles.publish(gateway, PROXY_BUNDLE, _trusted() + own)
        _publish_json(gateway, settings)


def _publish_json(gateway: int, settings: ProxySettings | OwnProxy) -> None:
    handles.publish(gateway, PROXY_JSON, (json.dumps(proxy_json(settings), indent=2) + "\n").encode())


def _trusted() -> bytes:
    """Whom this machine trusts, as text; empty if it does not say so where machines do."""
    for path in TRUSTED:
        with contextlib.suppress(OSError), Path(path).open("rb") as file:
            found = file.read(MOST_TRUSTED)
            if found.strip():
                return found.rstrip() + b"\n"
    return b""
