"""Runs one command of the tool as a child process: its JSON document, its progress events, its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from typing import IO, Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from ._errors import PcamError
from ._node import SCRIPT, WINDOWS, NodeNotFound, find_node

Event = Mapping[str, Any]
OnEvent = Callable[[Event], object]

#: Lines of stderr that are kept for the message of a command that ended without a document.
MAX_STDERR_LINES = 40


class Stderr:
    """What becomes of the command's stderr: `inherit` (bars or lines on ours), `relay` (lines to sys.stderr), or events."""

    def __init__(self, mode: str, on_event: Optional[OnEvent] = None) -> None:
        self.mode = mode
        self.on_event = on_event

    @property
    def arguments(self) -> List[str]:
        return ["--progress", "json"] if self.mode == "events" else []


def run_json(words: Sequence[str], stderr: Stderr) -> Tuple[int, Dict[str, Any]]:
    """Runs `pcam WORDS --json`.

    Returns:
        The exit code and the document.
    Raises:
        PcamError: the document is that of a failed command, or there is none.
    """
    child = start([*words, "--json", *stderr.arguments], stderr)
    code, out, lines = finish(child, stderr)
    try:
        document: Dict[str, Any] = json.loads(out)
    except ValueError:
        raise without_document(code, lines) from None
    error = document.get("error")
    if error:
        raise PcamError(error["code"], error["message"], error.get("hint"), code, document)
    return code, document


def run_text(words: Sequence[str]) -> str:
    """Runs a command that prints text, and returns its stdout."""
    stderr = Stderr("collect")
    code, out, lines = finish(start(words, stderr), stderr)
    if code != 0:
        raise without_document(code, lines)
    return out


def without_document(code: int, lines: List[str]) -> PcamError:
    """The error of a command that ended without a JSON document."""
    text = "\n".join(lines).strip()
    if code < 0:
        text = f"pcam was ended by signal {-code}" + (f"\n{text}" if text else "")
    hint = "the system may have run out of memory" if code == -9 else None
    name = {2: "USAGE", 5: "IO", 130: "ABORTED", 143: "TERMINATED"}.get(code, "INTERNAL")
    return PcamError(name, text or f"pcam ended with exit code {code} and said nothing", hint, code)


def start(words: Sequence[str], stderr: Stderr) -> "subprocess.Popen[str]":
    """Starts the tool. It stops, cleanly, when its stdin closes: because we close it, or because we have ended."""
    environment = {**os.environ, "PCAM_STOP_ON_EOF": "1", "PCAM_CALLED_AS": "pcam"}
    inherit = stderr.mode == "inherit"
    try:
        return subprocess.Popen(
            [find_node(), SCRIPT, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if inherit else subprocess.PIPE,
            env=environment,
            encoding="utf-8",
            errors="replace",
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0) if WINDOWS and not inherit else 0,
        )
    except NodeNotFound as error:
        raise PcamError("IO", str(error), None, 5) from error
    except OSError as error:
        raise PcamError("IO", f"Node.js does not start ({error})", "set PCAM_NODE to another one", 5) from error


def finish(child: "subprocess.Popen[str]", stderr: Stderr) -> Tuple[int, str, List[str]]:
    """Waits for the end: exit code, stdout, and the last lines of stderr that are no events.

    An exception meanwhile (Ctrl-C, a notebook's stop button, an error of the callback) first stops the command cleanly.
    """
    assert child.stdin and child.stdout
    out: List[str] = []
    lines: List[str] = []
    reader = threading.Thread(target=lambda stream: out.append(stream.read()), args=(child.stdout,), daemon=True)
    try:
        reader.start()
        if child.stderr:
            _follow(child.stderr, stderr, lines)
        code = child.wait()
        reader.join()
    except BaseException:
        stop(child)
        raise
    finally:
        close_streams(child)
    return code, "".join(out), lines


def _follow(stream: IO[str], stderr: Stderr, lines: List[str]) -> None:
    for line in stream:
        if stderr.mode == "relay":
            sys.stderr.write(line)
        elif stderr.mode == "events" and line.startswith("{"):
            try:
                event = json.loads(line)
            except ValueError:
                pass
            else:
                if stderr.on_event:
                    stderr.on_event(event)
                continue
        lines.append(line.rstrip("\n"))
        del lines[:-MAX_STDERR_LINES]


def stop(child: "subprocess.Popen[str]") -> int:
    """Asks the command to stop cleanly and waits for it; a second Ctrl-C kills it."""
    try:
        if child.stdin:
            try:
                child.stdin.close()
            except OSError:
                pass
        if child.stderr:
            for _ in child.stderr:
                pass
        return child.wait()
    except BaseException:
        child.kill()
        child.wait()
        raise


def close_streams(child: "subprocess.Popen[str]") -> None:
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream:
            try:
                stream.close()
            except OSError:
                pass
