"""The command `pcam`. The process becomes Node.js, so that signals, terminal and exit code are Node's own."""

from __future__ import annotations

import os
import sys

from ._node import SCRIPT, WINDOWS, NodeNotFound, find_node, find_system_node


def main() -> int:
    try:
        return _run(find_node(), [SCRIPT, *sys.argv[1:]])
    except NodeNotFound as error:
        print(f"pcam: {error}", file=sys.stderr)
        return 5


def _run(node: str, arguments: list[str]) -> int:
    if WINDOWS:
        return _wait_for([node, *arguments])
    try:
        os.execv(node, [node, *arguments])
    except OSError as error:
        if os.environ.get("PCAM_NODE"):
            raise NodeNotFound(f"PCAM_NODE is {node}, which does not start ({error.strerror})") from error
        # A noexec file system, or a C library that this build of Node.js does not know: another one may do.
        other = find_system_node()
        try:
            os.execv(other, [other, *arguments])
        except OSError as again:
            raise NodeNotFound(f"{other} does not start ({again.strerror})") from again
    raise AssertionError("execv returned")


def _wait_for(words: list[str]) -> int:
    """Windows has no exec. Ctrl-C reaches the child by itself, and its exit code is the answer."""
    import signal
    import subprocess

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return subprocess.call(words)
    except OSError as error:
        raise NodeNotFound(f"{words[0]} does not start ({error.strerror})") from error
