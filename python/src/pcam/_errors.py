"""The exception of every function."""

from __future__ import annotations

from typing import Any, Dict, Optional


class PcamError(Exception):
    """A pcam command that failed. ``str()`` gives the message, and the hint where there is one.

    Attributes:
        code: such as ``"NO_SOURCE"`` or ``"DISK_FULL"``; docs/json.md lists them.
        message: what happened, to which file.
        hint: what to do next, or None.
        exit_code: of the command line: 2 usage, 3 data, 4 no source, 5 this machine, 1 a bug.
        document: the JSON document of the command, or None where there is none.
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: Optional[str] = None,
        exit_code: int = 1,
        document: Optional[Dict[str, Any]] = None,
    ) -> None:
        super().__init__(code, message, hint, exit_code, document)
        self.code = code
        self.message = message
        self.hint = hint
        self.exit_code = exit_code
        self.document = document

    def __str__(self) -> str:
        return f"{self.message} ({self.code})" + (f"\n  {self.hint}" if self.hint else "")
