"""In a real kernel: one display that changes in place, few lines from `!pcam`, and a stop button that stops cleanly."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Dict, List

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
jupyter_client = pytest.importorskip("jupyter_client")

pytestmark = pytest.mark.filterwarnings("ignore")


def run_cells(*cells: str) -> List[List[Dict[str, Any]]]:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return [cell.outputs for cell in notebook.cells]


def test_one_display_that_changes_in_place(archives: Path, tmp_path: Path) -> None:
    (outputs,) = run_cells(
        f"import pcam\nd = pcam.download({str(tmp_path / 'pcam')!r}, split='valid', manifest={str(archives / 'manifest.json')!r})"
    )
    assert [output.output_type for output in outputs] == ["display_data"]
    html = outputs[0].data["text/html"]
    assert html.count("<tr>") == 3 and "downloaded" in html
    assert "valid_x.h5.gz" in outputs[0].data["text/plain"]


def test_a_shell_line_prints_few_lines(archives: Path, tmp_path: Path) -> None:
    command = f"{Path(sys.executable).with_name('pcam')} download -d {tmp_path / 'pcam'} --manifest {archives / 'manifest.json'}"
    (outputs,) = run_cells(f"!{command}")
    text = "".join(output.get("text", "") for output in outputs)
    assert "verified" in text
    assert len(text.splitlines()) < 40
    assert "\x1b[" not in text.replace("\x1b[0m", "") or text.count("\x1b[1A") == 0


def test_the_stop_button_stops_cleanly(tmp_path: Path) -> None:
    manager, client = jupyter_client.manager.start_new_kernel(kernel_name="python3")
    try:
        client.execute(
            "import pcam\n"
            f"pcam.fixture({str(tmp_path / 'fx')!r}, train=200_000, valid=2, test=2, progress=lambda e: print(e['type']))",
            stop_on_error=False,
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            message = client.get_iopub_msg(timeout=60)
            if message["msg_type"] == "stream" and "begin" in message["content"]["text"]:
                break
        manager.interrupt_kernel()
        while time.monotonic() < deadline:
            message = client.get_iopub_msg(timeout=60)
            if message["msg_type"] == "error":
                break
        assert message["content"]["ename"] == "KeyboardInterrupt"
        client.get_shell_msg(timeout=60)
        reply = client.execute_interactive("print(6 * 7)", timeout=60)
        assert reply["content"]["status"] == "ok"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_the_example_notebook_runs_and_its_model_learns(tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "examples" / "pcam.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    text = "".join(output.get("text", "") for output in notebook.cells[-1].outputs if output.get("name") == "stdout")
    assert float(text.split("accuracy ")[1].split()[0]) > 0.9
