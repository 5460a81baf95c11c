"""An MCP server of one tool, as a group may have it: a program that speaks JSON lines."""

from __future__ import annotations

import json
import os
import sys

TOOL = {"name": "weather", "description": "Says the weather.", "inputSchema": {"type": "object", "properties": {}}}


def answer(method: str, params: dict[str, object]) -> dict[str, object]:
    """The result of a request."""
    match method:
        case "initialize":
            server = {"name": "extra", "version": "1"}
            return {"protocolVersion": params["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": server}
        case "tools/list":
            return {"tools": [TOOL]}
        case "tools/call":
            return {"content": [{"type": "text", "text": f"It rains in {os.environ['PLACE']}."}]}
        case _:
            return {}


def main() -> None:
    """Answer until nobody asks any more."""
    for line in sys.stdin:
        asked = json.loads(line)
        if "id" in asked:
            result = answer(asked["method"], asked.get("params", {}))
            print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": result}), flush=True)


if __name__ == "__main__":
    main()
