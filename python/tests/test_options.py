"""The keywords of the functions are the options of the commands, and cannot drift apart."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys

import pytest

import pcam

#: Options that have no keyword: they are how the functions call the command.
OWN = {"json", "quiet", "progress", "dir", "help"}
#: Keywords that are no options.
EXTRA = {"dir", "progress", "file", "scores"}
#: `info --cite` prints text; a fixture has no manifest but its own.
TEXT_ONLY = {"info": {"cite"}, "fixture": {"manifest"}}


def options_of(command: str) -> set[str]:
    """The long options that `pcam COMMAND --help` lists."""
    text = subprocess.run([sys.executable, "-m", "pcam", command, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout
    options = re.search(r"^Options:\n(.*?)(?:\n\n|\Z)", text, re.M | re.S)
    assert options
    return set(re.findall(r"^  (?:-\w, )?--([a-z0-9-]+)", options[1], re.M))


@pytest.mark.parametrize(
    "name",
    ["download", "verify", "export", "subset", "stats", "preview", "report", "score", "browse", "info", "fixture", "cache_key"],
)
def test_keywords_are_options(name: str) -> None:
    options = {option.replace("-", "_") for option in options_of(name.replace("_", "-"))} - OWN - TEXT_ONLY.get(name, set())
    keywords = {key.rstrip("_") for key in inspect.signature(getattr(pcam, name)).parameters} - EXTRA
    if name == "browse":
        keywords |= {"scores"}
    assert keywords == options
