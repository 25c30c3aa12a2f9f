"""The installed wheel: names, types, start, what it imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pcam


def run_python(code: str, **environment: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def test_the_installed_wheel_is_tested() -> None:
    assert "site-packages" in pcam.__file__


def test_version_is_that_of_the_tool() -> None:
    said = subprocess.run([sys.executable, "-m", "pcam", "--version"], stdout=subprocess.PIPE, text=True, check=True)
    assert said.stdout.strip() == pcam.__version__ == metadata.version("pcam")


def test_every_public_name_exists() -> None:
    for name in pcam.__all__:
        assert getattr(pcam, name) is not None
    assert set(pcam.__all__) <= set(dir(pcam))


def test_import_loads_nothing_heavy() -> None:
    loaded = run_python("import sys, pcam; print([m for m in ('numpy', 'typing', 'subprocess', 'json') if m in sys.modules])")
    before = run_python("import sys; print([m for m in ('numpy', 'typing', 'subprocess', 'json') if m in sys.modules])")
    assert loaded == before


def test_typed_and_licensed() -> None:
    files = {str(file) for file in metadata.files("pcam") or []}
    assert "pcam/py.typed" in files
    assert any(name.endswith("THIRD-PARTY-LICENSES.txt") for name in files)
    assert any(name.endswith("share/man/man1/pcam.1") for name in files)


def test_console_script_gives_the_exit_code_of_the_tool(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("pcam")
    assert subprocess.run([command, "no-such-command"], stderr=subprocess.DEVNULL).returncode == 2
    missing = subprocess.run([command, "stats", "--dir", tmp_path, "--json"], stdout=subprocess.PIPE, text=True)
    assert missing.returncode == 3
    assert json.loads(missing.stdout)["error"]["code"] == "MISSING"


def test_no_node_is_one_sentence_and_exit_code_5(tmp_path: Path) -> None:
    environment = {**os.environ, "PCAM_NODE": str(tmp_path / "node")}
    done = subprocess.run([sys.executable, "-m", "pcam"], env=environment, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 5
    assert "PCAM_NODE" in done.stderr and "Traceback" not in done.stderr
