"""The functions: documents, errors, callbacks, clean stops."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

import pcam
from conftest import PREFIX


def test_download_returns_paths_that_open(dataset: Path, archives: Path) -> None:
    document = pcam.download(dataset, split=["valid", "test"], manifest=archives / "manifest.json", progress=False)
    assert document["ok"]
    assert {file["status"] for file in document["files"]} == {"present"}
    for file in document["files"]:
        assert os.path.getsize(file["path"]) > 0
        assert os.path.isabs(file["path"])


def test_wrong_data_is_a_result_of_verify(copy: Path) -> None:
    path = copy / f"{PREFIX}valid_y.h5"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    document = pcam.verify(copy, progress=False)
    assert document["ok"] is False
    assert [file["status"] for file in document["files"] if file["status"] != "ok"] == ["corrupt"]


def test_other_failures_are_exceptions(tmp_path: Path) -> None:
    with pytest.raises(pcam.PcamError) as caught:
        pcam.stats(tmp_path, progress=False)
    error = caught.value
    assert (error.code, error.exit_code) == ("MISSING", 3)
    assert error.message and error.document is not None and error.document["ok"] is False
    again = pickle.loads(pickle.dumps(error))
    assert (again.code, again.message, again.hint, again.exit_code) == (error.code, error.message, error.hint, error.exit_code)


def test_a_download_that_failed_has_its_document(tmp_path: Path, archives: Path) -> None:
    (tmp_path / "empty").mkdir()
    import json

    manifest = json.loads((archives / "manifest.json").read_text())
    manifest["sources"] = {"nowhere": {"type": "file", "baseUrl": str(tmp_path / "empty")}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(pcam.PcamError) as caught:
        pcam.download(tmp_path / "data", split="valid", kind="labels", manifest=tmp_path / "manifest.json", progress=False)
    assert caught.value.exit_code == 4
    assert caught.value.document is not None
    assert [file["status"] for file in caught.value.document["files"]] == ["failed"]


def test_a_callback_gets_events_as_dicts(archives: Path, tmp_path: Path) -> None:
    events: List[Dict[str, Any]] = []
    pcam.download(tmp_path / "data", split="valid", manifest=archives / "manifest.json", progress=events.append)
    kinds = {event["type"] for event in events}
    assert {"plan", "begin", "end"} <= kinds
    ends = [event for event in events if event["type"] == "end"]
    assert len(ends) == 3
    assert all(event["done"] == event["total"] for event in ends)


def test_an_error_of_the_callback_stops_the_command(archives: Path, tmp_path: Path) -> None:
    def fail(event: Dict[str, Any]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        pcam.download(tmp_path / "data", manifest=archives / "manifest.json", progress=fail)
    assert not (tmp_path / "data/.pcam/lock").exists()


def test_progress_false_prints_nothing(dataset: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pcam.verify(dataset, split="valid", progress=False)
    assert capfd.readouterr() == ("", "")


def test_a_replaced_stderr_gets_lines(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pcam.stats(dataset, split="valid")
    assert capsys.readouterr().out == ""


def test_cache_key_is_one_line(archives: Path) -> None:
    key = pcam.cache_key(split="valid")
    assert key and "\n" not in key
    assert key != pcam.cache_key(split="test")
    with pytest.raises(pcam.PcamError) as caught:
        pcam.cache_key(split="nonsense")
    assert caught.value.exit_code == 2


def test_info_of_one_file(dataset: Path) -> None:
    assert pcam.info(dataset)["files"]
    assert pcam.info(dataset, "valid_x.h5")


SLOW = """
import signal, sys, pcam
# A shell ignores SIGINT for what it starts in the background, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
def show(event):
    if event["type"] == "begin":
        print("begun", flush=True)
try:
    pcam.fixture(sys.argv[1], train=200_000, valid=2, test=2, progress=show)
except KeyboardInterrupt:
    print("KeyboardInterrupt", flush=True)
"""


def test_ctrl_c_stops_cleanly_and_raises(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path / "fx")], stdout=subprocess.PIPE, text=True)
    assert child.stdout and child.stdout.readline() == "begun\n"
    child.send_signal(signal.SIGINT)
    try:
        out, _ = child.communicate(timeout=60)
    finally:
        child.kill()
    assert out.splitlines()[-1] == "KeyboardInterrupt"


def children_of(pid: int) -> List[int]:
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stat = Path(f"/proc/{entry}/stat").read_text()
            except OSError:
                continue
            if int(stat.rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry))
    return found


@pytest.mark.skipif(not os.path.isdir("/proc"), reason="looks at processes in /proc")
def test_no_orphan_when_python_is_killed(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path / "fx")], stdout=subprocess.PIPE, text=True)
    assert child.stdout and child.stdout.readline() == "begun\n"
    (node,) = children_of(child.pid)
    child.kill()
    child.wait()
    deadline = time.monotonic() + 20
    while os.path.isdir(f"/proc/{node}") and time.monotonic() < deadline:
        threading.Event().wait(0.05)
    assert not os.path.isdir(f"/proc/{node}")
    child.stdout.close()
