"""The commands of the tool as functions. Keywords are the command's options, literally: `--keep-archives` is `keep_archives=True`."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import ExitStack
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Type, Union

from ._errors import PcamError
from ._progress import Progress, choose_stderr
from ._run import Stderr, close_streams, run_json, run_text, start, stop, without_document

Path = Union[str, "os.PathLike[str]"]
#: One value, or several.
Several = Union[str, "os.PathLike[str]", Iterable[Union[str, "os.PathLike[str]"]], None]
Document = Dict[str, Any]


def download(
    dir: Optional[Path] = None,
    *,
    split: Several = None,
    kind: Several = None,
    source: Several = None,
    mirror: Several = None,
    from_: Several = None,
    connections: Optional[int] = None,
    jobs: Optional[int] = None,
    limit_rate: Union[int, str, None] = None,
    keep_archives: bool = False,
    no_extract: bool = False,
    stream: bool = False,
    force: bool = False,
    dry_run: bool = False,
    manifest: Optional[Path] = None,
    progress: Progress = None,
) -> Document:
    """Fetches the files that are not there yet, checks every byte, and leaves the ``.h5`` and ``.csv`` files in ``dir``.

    A second call fetches nothing; after Ctrl-C or a lost network the same call continues.

    Args:
        dir: the data set folder; PCAM_DIR or ``"pcam"`` by default.
        split: ``"train"``, ``"valid"``, ``"test"`` or several of them; all by default.
        kind: ``"images"``, ``"labels"``, ``"meta"`` or several of them; all by default.
        source: ids of the manifest's sources, in order of preference.
        mirror: URLs or folders that are tried first.
        from_: folders, files or zip archives with files that are already here.
        connections: maximum concurrent requests per source.
        jobs: maximum files in progress at the same time.
        limit_rate: bytes per second over all connections, such as ``"2M"``.
        keep_archives: keep the ``.gz`` archives beside the decompressed files.
        no_extract: archives only, not decompressed.
        stream: keep nothing of an archive; needs less room, and an interrupted file starts again.
        force: fetch everything again.
        dry_run: say what would be done, and do nothing.
        manifest: a manifest in place of the built-in one.
        progress: None shows progress in a terminal or notebook, False nowhere; a function gets each event as a dict.

    Returns:
        ``{"ok", "manifest", "files": [{"name", "status", "path", "bytes", "transferred", "sources"}]}``; ``path`` is the
        absolute path of the finished file, sizes are in bytes.

    Raises:
        PcamError: a file could not be had (``document`` has the result of every file), the disk is full, …
        KeyboardInterrupt: after a clean stop.

    Example:
        >>> files = pcam.download(split="valid")["files"]        # doctest: +SKIP
        >>> images = h5py.File(files[0]["path"])["x"]            # doctest: +SKIP
    """
    options = dict(
        split=split, kind=kind, source=source, mirror=_without_commas(mirror), from_=from_, connections=connections, jobs=jobs,
        limit_rate=limit_rate, keep_archives=keep_archives, no_extract=no_extract, stream=stream, force=force, dry_run=dry_run,
        manifest=manifest,
    )  # fmt: skip
    code, document = _run("download", [], dir, options, progress)
    failed = [file for file in document["files"] if "error" in file]
    if code == 0 or not failed:
        return document
    error = failed[0]["error"]
    others = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
    raise PcamError(error["code"], f"{failed[0]['name']}: {error['message']}{others}", error.get("hint"), code, document)


def verify(
    dir: Optional[Path] = None,
    *,
    split: Several = None,
    kind: Several = None,
    quick: bool = False,
    deep: bool = False,
    fix: bool = False,
    manifest: Optional[Path] = None,
    progress: Progress = None,
) -> Document:
    """Reads the files that are there and compares them with their digests.

    Args:
        dir: the data set folder; PCAM_DIR or ``"pcam"`` by default.
        split, kind: as in :func:`download`.
        quick: trust earlier checks of files whose size, times and samples are the same.
        deep: open the HDF5 and CSV files: shapes, types, labels, rows, slides.
        fix: rename swapped files back.
        manifest, progress: as in :func:`download`.

    Returns:
        ``{"ok", "manifest", "files": [{"name", "status", "expected", "found"}], "findings"}``. Wrong or missing data is a
        result (``ok`` is False), not an exception.

    Raises:
        PcamError: the files could not be read, or the arguments are wrong.

    Example:
        >>> pcam.verify(split="valid", quick=True)["ok"]         # doctest: +SKIP
        True
    """
    options = dict(split=split, kind=kind, quick=quick, deep=deep, fix=fix, manifest=manifest)
    return _run("verify", [], dir, options, progress)[1]


def export(
    dir: Optional[Path] = None,
    *,
    format: str,
    layout: Optional[str] = None,
    split: Several = None,
    out: Optional[Path] = None,
    shard_size: Optional[int] = None,
    part: Optional[str] = None,
    workers: Optional[int] = None,
    crop: Optional[str] = None,
    index: Optional[str] = None,
    sha1: bool = False,
    order: Optional[str] = None,
    unique: bool = False,
    label: Optional[int] = None,
    slides: Several = None,
    per_class: Optional[int] = None,
    per_slide: Optional[int] = None,
    sample: Optional[int] = None,
    indices: Optional[Path] = None,
    shuffle: bool = False,
    seed: Optional[int] = None,
    force: bool = False,
    manifest: Optional[Path] = None,
    progress: Progress = None,
) -> Document:
    """Writes what training frameworks read: WebDataset tars, image folders, NumPy arrays, Parquet, TFRecord, …

    Args:
        dir: the data set folder; PCAM_DIR or ``"pcam"`` by default.
        format: ``"png"`` (WebDataset), ``"raw"``, ``"parquet"``, ``"tfrecord"``, ``"clip-benchmark"``, ``"vtab-1k"``.
        layout: ``"shards"`` (default) or ``"folder"``.
        split: default: the splits that are in the folder.
        out: the output folder.
        shard_size: patches per shard.
        part: ``"1/8"``: only the shards of job 1 of 8.
        workers: threads.
        crop: ``"center32"``: only the 32 x 32 px that decide the label.
        index: ``"dali"``: an index beside each tar shard.
        sha1: the SHA-1 of each patch beside it.
        order: of tfrecord: ``"tfds"`` (default) or ``"file"``.
        unique, label, slides, per_class, per_slide, sample, indices, shuffle, seed: which patches, in which order.
        force: replace an export that was made with other options.
        manifest, progress: as in :func:`download`.

    Returns:
        ``{"ok", "format", "out", "patches", "shards": [{"file", "split", "patches", "bytes", "sha256", "status"}]}``.

    Raises:
        PcamError

    Example:
        >>> pcam.export(format="parquet", split="valid")["out"]  # doctest: +SKIP
    """
    options = dict(
        format=format, layout=layout, split=split, out=out, shard_size=shard_size, part=part, workers=workers, crop=crop,
        index=index, sha1=sha1, order=order, unique=unique, label=label, slides=slides, per_class=per_class,
        per_slide=per_slide, sample=sample, indices=indices, shuffle=shuffle, seed=seed, force=force, manifest=manifest,
    )  # fmt: skip
    return _run("export", [], dir, options, progress)[1]


def subset(
    dir: Optional[Path] = None,
    *,
    out: Path,
    split: Several = None,
    unique: bool = False,
    label: Optional[int] = None,
    slides: Several = None,
    per_class: Optional[int] = None,
    per_slide: Optional[int] = None,
    sample: Optional[int] = None,
    indices: Optional[Path] = None,
    shuffle: bool = False,
    seed: Optional[int] = None,
    archives: bool = False,
    force: bool = False,
    manifest: Optional[Path] = None,
    progress: Progress = None,
) -> Document:
    """Writes a smaller data set folder of the same names and layout, with a manifest of its own.

    Args:
        out: the folder to write.
        archives: also the ``.gz`` files, so that the folder can be served as a mirror.
        force: replace an earlier subset.
        dir, split, unique, label, …, progress: as in :func:`export`.

    Returns:
        ``{"ok", "out", "files": [{"name", "patches", "bytes", "md5"}]}``.

    Raises:
        PcamError

    Example:
        >>> pcam.subset(out="small", per_class=100)              # doctest: +SKIP
    """
    options = dict(
        out=out, split=split, unique=unique, label=label, slides=slides, per_class=per_class, per_slide=per_slide,
        sample=sample, indices=indices, shuffle=shuffle, seed=seed, archives=archives, force=force, manifest=manifest,
    )  # fmt: skip
    return _run("subset", [], dir, options, progress)[1]


def stats(
    dir: Optional[Path] = None,
    *,
    split: Several = None,
    table: Optional[Path] = None,
    workers: Optional[int] = None,
    manifest: Optional[Path] = None,
    progress: Progress = None,
) -> Document:
    """Counts patches, classes, slides and duplicates, and measures mean and standard deviation of each channel.

    Args:
        table: a ``.csv`` or ``.parquet`` file that gets one row per patch.
        workers: threads.
        dir, split, manifest, progress: as in :func:`export`.

    Returns:
        ``{"ok", "splits", "all", "shared", "findings"}``; mean and standard deviation are in 0..255.

    Raises:
        PcamError

    Example:
        >>> pcam.stats(split="train")["all"]["channels"]["mean"]  # doctest: +SKIP
    """
    return _run("stats", [], dir, dict(split=split, table=table, workers=workers, manifest=manifest), progress)[1]


def preview(
    dir: Optional[Path] = None,
    *,
    out: Path,
    split: Several = None,
    unique: bool = False,
    label: Optional[int] = None,
    slides: Several = None,
    per_class: Optional[int] = None,
    per_slide: Optional[int] = None,
    sample: Optional[int] = None,
    indices: Optional[Path] = None,
    shuffle: bool = False,
    seed: Optional[int] = None,
    rows: Optional[int] = None,
    cols: Optional[int] = None,
    scale: Optional[int] = None,
    manifest: Optional[Path] = None,
    progress: Progress = None,
) -> Document:
    """Draws patches side by side into a PNG file; a green box marks positive ones.

    Args:
        out: the ``.png`` file to write.
        rows, cols: of the sheet.
        scale: pixels of the picture per pixel of a patch.
        dir, split, unique, label, …, progress: as in :func:`export`.

    Returns:
        ``{"ok", "out", "width", "height", "patches": [{"split", "index", "label", "x", "y", "size"}]}`` in pixels.

    Raises:
        PcamError

    Example:
        >>> pcam.preview(out="sheet.png", split="valid", per_class=8)  # doctest: +SKIP
    """
    options = dict(
        out=out, split=split, unique=unique, label=label, slides=slides, per_class=per_class, per_slide=per_slide,
        sample=sample, indices=indices, shuffle=shuffle, seed=seed, rows=rows, cols=cols, scale=scale, manifest=manifest,
    )  # fmt: skip
    return _run("preview", [], dir, options, progress)[1]


def report(
    dir: Optional[Path] = None,
    *,
    split: Several = None,
    out: Optional[Path] = None,
    manifest: Optional[Path] = None,
    progress: Progress = None,
) -> Document:
    """Writes one HTML page about the data that needs nothing else.

    Args:
        out: the file to write; ``report.html`` by default.
        dir, split, manifest, progress: as in :func:`export`.

    Returns:
        ``{"ok", "out", "bytes"}``.

    Raises:
        PcamError

    Example:
        >>> pcam.report(out="pcam.html")                         # doctest: +SKIP
    """
    return _run("report", [], dir, dict(split=split, out=out, manifest=manifest), progress)[1]


def score(
    scores: Any,
    dir: Optional[Path] = None,
    *,
    split: Optional[str] = None,
    valid: Any = None,
    compare: Any = None,
    compare_valid: Any = None,
    threshold: Optional[float] = None,
    as_: Optional[str] = None,
    column: Optional[str] = None,
    errors: Optional[Path] = None,
    bootstrap: Optional[int] = None,
    seed: Optional[int] = None,
    out: Optional[Path] = None,
    manifest: Optional[Path] = None,
    progress: Progress = None,
) -> Document:
    """Scores what a model says about a split: AUC, accuracy, log loss, …, with intervals over slides.

    Args:
        scores: a ``.npy``, ``.csv``, ``.tsv`` or ``.parquet`` file, or an array of shape (N,), (N, 1) or (N, 2) in the
            order of the file.
        dir: the data set folder; its labels are enough.
        split: ``"test"`` by default.
        valid: scores of valid (a path or an array), from which the threshold is chosen.
        compare, compare_valid: the same of another model.
        threshold: a given threshold.
        as_: ``"probability"``, ``"logit"``, ``"decision"`` or ``"score"``.
        column: the score column of a table.
        errors: a file that gets the wrong patches, as ``indices=`` takes them.
        bootstrap: number of resamples (1,000 by default), drawn by ``seed``.
        out: an ``.html`` page of the result.
        manifest, progress: as in :func:`download`.

    Returns:
        The document of ``pcam score --json``: ``ranking``, ``probability``, ``decisions``, ``unique``, ``perSlide``,
        ``findings``, …

    Raises:
        PcamError

    Example:
        >>> pcam.score(probabilities, split="test", valid=valid_probabilities)["ranking"]["auc"]  # doctest: +SKIP
    """
    with ExitStack() as stack:
        paths = [_as_file(value, stack) for value in (scores, valid, compare, compare_valid)]
        options = dict(
            split=split, valid=paths[1], compare=paths[2], compare_valid=paths[3], threshold=threshold, as_=as_,
            column=column, errors=errors, bootstrap=bootstrap, seed=seed, out=out, manifest=manifest,
        )  # fmt: skip
        if paths[0] is None:
            raise PcamError("USAGE", "scores must be a path or an array, not None", None, 2)
        return _run("score", [os.fspath(paths[0])], dir, options, progress)[1]


def info(
    dir: Optional[Path] = None,
    file: Optional[str] = None,
    *,
    probe: bool = False,
    manifest: Optional[Path] = None,
) -> Document:
    """The nine files: sizes, digests, sources, and their state in the folder.

    Args:
        dir: the data set folder; PCAM_DIR or ``"pcam"`` by default.
        file: everything about this file, such as ``"train_x.h5"``.
        probe: ask each source for one small range.
        manifest: as in :func:`download`.

    Returns:
        The document of ``pcam info --json``.

    Raises:
        PcamError

    Example:
        >>> pcam.info()["files"][0]["state"]                     # doctest: +SKIP
    """
    return _run("info", [file] if file else [], dir, dict(probe=probe, manifest=manifest), False, events=False)[1]


def fixture(
    dir: Path,
    *,
    train: Optional[int] = None,
    valid: Optional[int] = None,
    test: Optional[int] = None,
    seed: Optional[int] = None,
    force: bool = False,
    progress: Progress = None,
) -> Document:
    """Makes a small synthetic data set of the same form: nine archives and a manifest.

    Args:
        dir: the folder to write.
        train, valid, test: patches of each split.
        seed: the same seed gives the same patches.
        force: replace an earlier fixture.
        progress: as in :func:`download`.

    Returns:
        The document of ``pcam fixture --json``.

    Raises:
        PcamError

    Example:
        >>> pcam.fixture("fixture", train=64)                    # doctest: +SKIP
        >>> pcam.download("pcam", manifest="fixture/manifest.json")  # doctest: +SKIP
    """
    options = dict(train=train, valid=valid, test=test, seed=seed, force=force)
    return _run("fixture", [os.fspath(dir)], None, options, progress)[1]


def cache_key(*, split: Several = None, kind: Several = None, manifest: Optional[Path] = None) -> str:
    """One line for a CI cache: it changes when, and only when, the bytes would.

    Args:
        split, kind, manifest: as in :func:`download`.

    Raises:
        PcamError

    Example:
        >>> pcam.cache_key(split="valid")                        # doctest: +SKIP
    """
    return run_text(["cache-key", *_arguments(dict(split=split, kind=kind, manifest=manifest))]).strip()


class Browse:
    """A running ``pcam browse``. Ends with :meth:`close`, with its ``with`` block, or with Python.

    Attributes:
        url: the page, with its token.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self._child = start(words, Stderr("inherit"))
        assert self._child.stdout
        line = self._child.stdout.readline()
        try:
            document = json.loads(line)
        except ValueError:
            code = stop(self._child)
            close_streams(self._child)
            raise without_document(code, [line]) from None
        if not document.get("ok"):
            code = self._child.wait()
            close_streams(self._child)
            error = document["error"]
            raise PcamError(error["code"], error["message"], error.get("hint"), code, document)
        self.url: str = document["url"]

    def close(self) -> None:
        """Stops the server. Closing twice does nothing."""
        if self._child.poll() is None:
            stop(self._child)
        close_streams(self._child)

    def __enter__(self) -> "Browse":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Any) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<pcam.browse at {self.url}>"

    def _repr_html_(self) -> str:
        return f'<a href="{self.url}" target="_blank" rel="noopener">{self.url.split("?")[0]}</a>'


def browse(
    dir: Optional[Path] = None,
    *,
    split: Several = None,
    unique: bool = False,
    label: Optional[int] = None,
    slides: Several = None,
    per_class: Optional[int] = None,
    per_slide: Optional[int] = None,
    sample: Optional[int] = None,
    indices: Optional[Path] = None,
    shuffle: bool = False,
    seed: Optional[int] = None,
    scores: Any = None,
    port: Optional[int] = None,
    no_open: bool = False,
    manifest: Optional[Path] = None,
) -> Browse:
    """Serves a page on 127.0.0.1 with the patches of the folder.

    Args:
        scores: predictions to lay over the patches (a path; see :func:`score`).
        port: a free one by default.
        no_open: do not open a browser.
        dir, split, unique, label, …, manifest: as in :func:`export`.

    Returns:
        An object with ``url`` and ``close()``.

    Raises:
        PcamError: there is no data, or the port is taken.

    Example:
        >>> with pcam.browse(split="valid", no_open=True) as page:  # doctest: +SKIP
        ...     print(page.url)
    """
    options = dict(
        split=split, unique=unique, label=label, slides=slides, per_class=per_class, per_slide=per_slide, sample=sample,
        indices=indices, shuffle=shuffle, seed=seed, scores=scores, port=port, no_open=no_open, manifest=manifest,
    )  # fmt: skip
    return Browse(["browse", *_folder(dir), *_arguments(options), "--json"])


def _run(
    command: str,
    positional: Sequence[str],
    dir: Optional[Path],
    options: Dict[str, Any],
    progress: Progress,
    *,
    events: bool = True,
) -> Tuple[int, Document]:
    stderr = choose_stderr(progress) if events else Stderr("collect")
    return run_json([command, *positional, *_folder(dir), *_arguments(options)], stderr)


def _folder(dir: Optional[Path]) -> List[str]:
    return [] if dir is None else [f"--dir={os.fspath(dir)}"]


def _arguments(options: Dict[str, Any]) -> List[str]:
    """`{"keep_archives": True, "split": ["train", "test"]}` -> `--keep-archives --split=train --split=test`."""
    words: List[str] = []
    for name, value in options.items():
        flag = "--" + name.rstrip("_").replace("_", "-")
        if value is None or value is False:
            continue
        if value is True:
            words.append(flag)
        elif isinstance(value, (str, int, float, os.PathLike)) or not hasattr(value, "__iter__"):
            words.append(f"{flag}={_text(value)}")
        else:
            words.extend(f"{flag}={_text(one)}" for one in value)
    return words


def _text(value: Any) -> str:
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def _without_commas(mirror: Several) -> Several:
    """A comma in a URL would divide it: lists take commas on the command line."""
    if mirror is None:
        return None
    several = [mirror] if isinstance(mirror, (str, os.PathLike)) else mirror
    return [_text(one).replace(",", "%2C") for one in several]


def _as_file(scores: Any, stack: ExitStack) -> Optional[Path]:
    """A path as it is; an array as a temporary .npy file, which goes with the stack."""
    if scores is None or isinstance(scores, (str, os.PathLike)):
        return scores
    import numpy as np

    array = np.asarray(scores.detach().cpu() if hasattr(scores, "detach") else scores)
    if array.dtype.kind not in "fiub":
        raise PcamError("USAGE", f"scores must be numbers, not an array of {array.dtype}", None, 2)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pcam-scores-"))
    path = os.path.join(folder, "scores.npy")
    np.save(path, array, allow_pickle=False)
    return path
