"""Make `.venv` from the lock file, with nothing but this Python: fetches uv from PyPI if it is missing.

`synapse` makes `.synapse` instead: a homeserver for tests, which nothing else has to live with.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV_VERSION = "0.13.9"
PRIVATE_UV = ROOT / ".uv" / f"uv-{UV_VERSION}"
OLDEST_PYTHON = (3, 11)
TRIES = 4

WHEEL_TAGS = {
    ("Linux", "x86_64"): "manylinux_2_17_x86_64",
    ("Linux", "aarch64"): "manylinux_2_17_aarch64",
    ("Darwin", "x86_64"): "macosx_10_12_x86_64",
    ("Darwin", "arm64"): "macosx_11_0_arm64",
}


def main(arguments: list[str]) -> int:
    """Set up the environment; returns the exit code."""
    if sys.version_info < OLDEST_PYTHON:
        return _refuse(f"Python 3.11 or newer is needed, this is {platform.python_version()}")
    uv = _find_uv()
    if uv is None:
        return 1
    # Compiled once here: sandboxes see the packages read-only and would compile them at every start. Whom the machine
    # trusts is trusted, as Python did that fetched uv: a company's proxy is often known to nobody else.
    environment = {
        "UV_SYSTEM_CERTS": "1",
        **os.environ,
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_COMPILE_BYTECODE": "1",
    }
    command = [uv, "sync", "--locked", "--quiet", "--python", sys.executable]
    made = ROOT / ".venv"
    if "synapse" in arguments:
        made = ROOT / ".synapse"
        environment |= {"UV_PROJECT_ENVIRONMENT": str(made), "UV_COMPILE_BYTECODE": "0"}
        command += ["--only-group", "synapse"]
    for attempt in range(TRIES):
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0:
            (made / ".ready").touch()
            return 0
        time.sleep(2**attempt)
    return _refuse("the packages could not be installed; what uv said is above")


def _find_uv() -> str | None:
    found = shutil.which("uv")
    if found:
        return found
    if not PRIVATE_UV.exists():
        print(f"setup: fetching uv {UV_VERSION} from PyPI", flush=True)
        try:
            _fetch_uv()
        except (OSError, LookupError) as exc:
            _refuse(f"uv could not be fetched ({exc}); install it by hand, then run make again")
            return None
    return str(PRIVATE_UV)


def _fetch_uv() -> None:
    """Download the wheel for this machine, check its digest, keep the one program in it."""
    tag = WHEEL_TAGS.get((platform.system(), platform.machine()))
    if tag is None:
        raise LookupError(f"no uv wheel for {platform.system()} on {platform.machine()}")
    index = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL")
    page = f"{(index or 'https://pypi.org/simple').rstrip('/')}/uv/"
    # PEP 503's page is what every index and mirror serves: a link a file, its digest after the #.
    links = re.findall(r'href="([^"]+)"', _get(page).decode())
    wheels = [link for link in links if f"/uv-{UV_VERSION}-" in link and tag in link]
    if not wheels:
        raise LookupError(f"uv {UV_VERSION} for {tag} is not on the index")
    url, _, digest = urllib.parse.urljoin(page, wheels[0]).partition("#sha256=")
    content = _get(url)
    if hashlib.sha256(content).hexdigest() != digest:
        raise LookupError("the downloaded wheel does not have the digest the index names")
    PRIVATE_UV.parent.mkdir(exist_ok=True)
    archive = PRIVATE_UV.with_suffix(".whl")
    archive.write_bytes(content)
    with zipfile.ZipFile(archive) as bundle:
        program = bundle.read(f"uv-{UV_VERSION}.data/scripts/uv")
    archive.unlink()
    partial = PRIVATE_UV.with_suffix(".part")
    partial.write_bytes(program)
    partial.chmod(0o755)
    partial.rename(PRIVATE_UV)


def _get(url: str) -> bytes:
    request = urllib.request.Request(url, headers={"Accept": "text/html, */*"})  # noqa: S310
    for attempt in range(TRIES):
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                return bytes(answer.read())
        except urllib.error.HTTPError:
            raise
        except OSError:
            if attempt == TRIES - 1:
                raise
            time.sleep(2**attempt)
    raise AssertionError("the last try returns or raises")


def _refuse(why: str) -> int:
    print(f"setup: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
