"""Where progress is shown: on a terminal, in a notebook, in a log, by a callback, or nowhere."""

from __future__ import annotations

import html
import sys
import time
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from ._run import Event, Stderr

#: None: in a terminal, a notebook or a log. False: nowhere. A function: gets each event as a dict.
Progress = Union[None, bool, Callable[[Dict[str, Any]], object]]

#: Seconds between two drawings of a notebook's display.
DRAW_EVERY = 0.25
_PREFIX = "camelyonpatch_level_2_split_"


def choose_stderr(progress: Progress) -> Stderr:
    """Where the messages and the progress of a command go."""
    if progress is False:
        return Stderr("events")
    if callable(progress):
        return Stderr("events", progress)  # type: ignore[arg-type]
    if in_notebook():
        return Stderr("events", NotebookDisplay())
    # The command draws its own bars on a terminal, and writes a line now and then to a log. Where sys.stderr was
    # replaced (pytest, an IDE), its lines go there.
    return Stderr("inherit" if sys.stderr is not None and sys.stderr is sys.__stderr__ else "relay")


def in_notebook() -> bool:
    """True in a cell of Jupyter, Colab, Kaggle or VS Code. Never imports IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and "IPKernelApp" in getattr(shell, "config", {})


class NotebookDisplay:
    """One display that is replaced in place: a row per file or split, and the last message."""

    def __init__(self) -> None:
        self.tasks: Dict[str, Dict[str, Any]] = {}
        self.messages: List[str] = []
        self._drawn = 0.0
        self._handle: Any = None

    def __call__(self, event: Event) -> None:
        self._apply(event)
        now = time.monotonic()
        if event.get("type") == "progress" and now - self._drawn < DRAW_EVERY:
            return
        self._drawn = now
        self._draw()

    def _apply(self, event: Event) -> None:
        kind = event.get("type")
        if kind == "plan":
            for task in event["tasks"]:
                self.tasks.setdefault(task["task"], {"total": task.get("total"), "unit": event["unit"]})
        elif kind in ("begin", "progress", "end"):
            self.tasks.setdefault(event["task"], {}).update(event)
        elif kind == "pause":
            self._say(f"{event['source']}: pausing for {event['ms'] / 1000:.0f} s ({event['reason']})")
        elif kind == "drop":
            self._say(f"{event['source']}: not asked again for {_short(event['file'])} ({event['reason']})")
        elif kind in ("notice", "message"):
            self._say(event["message"])

    def _say(self, message: str) -> None:
        self.messages = [*self.messages, message][-3:]

    def _draw(self) -> None:
        import IPython.display

        # Untyped in some releases.
        display: Any = IPython.display.display
        if self._handle is None:
            self._handle = display(self, display_id=True)
        else:
            self._handle.update(self)

    def _rows(self) -> List[Tuple[str, Optional[float], str]]:
        rows = []
        for name, task in self.tasks.items():
            done, total, unit = task.get("done", 0), task.get("total"), task.get("unit", "bytes")
            ended = task.get("outcome")
            amount = _amount(done, unit) if not total or ended else f"{_amount(done, unit)} of {_amount(total, unit)}"
            state = ended or task.get("step") or "waiting"
            fraction = 1.0 if ended and ended != "failed" else done / total if total else None
            rows.append((_short(name), fraction, f"{amount} · {state}"))
        return rows

    def _repr_html_(self) -> str:
        left = "style='text-align:left'"
        rows = "".join(
            f"<tr><td {left}>{html.escape(name)}</td>"
            f"<td><progress max='1'{'' if fraction is None else f' value={fraction:.3f}'}></progress></td>"
            f"<td {left}>{html.escape(words)}</td></tr>"
            for name, fraction, words in self._rows()
        )
        notes = "".join(f"<div>{html.escape(message)}</div>" for message in self.messages)
        return f"<table>{rows}</table>{notes}"

    def __repr__(self) -> str:
        rows = [f"{name:16} {'' if part is None else f'{part:4.0%}':4}  {words}" for name, part, words in self._rows()]
        return "\n".join([*rows, *self.messages])


def _short(name: str) -> str:
    return name[len(_PREFIX) :] if name.startswith(_PREFIX) else name


def _amount(number: float, unit: str) -> str:
    if unit != "bytes":
        return f"{number:,.0f} {unit}"
    for name in ("B", "kB", "MB"):
        if number < 999.5:
            return f"{number:.0f} {name}" if name == "B" else f"{number:.3g} {name}"
        number /= 1000
    return f"{number:.3g} GB"


