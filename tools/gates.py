"""Gates no linter has: files stay under 300 lines, shields have deadlines, modules say what they are."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST_FILE = 300


def main() -> int:
    """Print every breach; returns 1 if there was one."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    breaches = [
        breach for name in sorted(set(listed.stdout.split())) if (ROOT / name).exists() for breach in _breaches(name)
    ]
    for breach in breaches:
        print(breach)
    return 1 if breaches else 0


def _breaches(name: str) -> list[str]:
    text = (ROOT / name).read_text(encoding="utf-8")
    found = []
    lines = text.count("\n")
    if lines > LONGEST_FILE:
        found.append(f"{name}: {lines} lines; a file over {LONGEST_FILE} is two ideas")
    tree = ast.parse(text)
    if text.strip() and ast.get_docstring(tree) is None:
        found.append(f"{name}: the first line does not say what the file is")
    found += [
        f"{name}:{node.lineno}: CancelScope(shield=True) without a deadline"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _is_bare_shield(node)
    ]
    return found


def _is_bare_shield(call: ast.Call) -> bool:
    """`move_on_after(n, shield=True)` has its deadline; a shielded CancelScope must name one."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    words = {keyword.arg for keyword in call.keywords}
    return name == "CancelScope" and "shield" in words and not words & {"deadline", "relative_deadline"}


if __name__ == "__main__":
    sys.exit(main())
