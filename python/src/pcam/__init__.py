"""PatchCamelyon: download, verify, explore, export and score it, and read it for training.

>>> import pcam
>>> pcam.download(split="valid")                      # doctest: +SKIP
>>> data = pcam.Patches(split="valid")                # doctest: +SKIP

``python -m pcam --help`` is the same tool as a command line.
"""

from __future__ import annotations

# Not `typing.TYPE_CHECKING`: the command line starts through this file, and importing typing takes milliseconds.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._api import Browse as Browse
    from ._api import browse as browse
    from ._api import cache_key as cache_key
    from ._api import download as download
    from ._api import export as export
    from ._api import fixture as fixture
    from ._api import info as info
    from ._api import preview as preview
    from ._api import report as report
    from ._api import score as score
    from ._api import stats as stats
    from ._api import subset as subset
    from ._api import verify as verify
    from ._errors import PcamError as PcamError
    from ._patches import Patches as Patches

    __version__: str

__all__ = [
    "Browse",
    "Patches",
    "PcamError",
    "browse",
    "cache_key",
    "download",
    "export",
    "fixture",
    "info",
    "preview",
    "report",
    "score",
    "stats",
    "subset",
    "verify",
]


def _load(name: str) -> object:
    """Imports a public name when it is first used (PEP 562)."""
    from importlib import import_module

    if name == "__version__":
        from importlib.metadata import version

        return version("pcam")
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = {"Patches": "_patches", "PcamError": "_errors"}.get(name, "_api")
    return getattr(import_module(f"{__name__}.{module}"), name)


if not TYPE_CHECKING:
    __getattr__ = _load


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
