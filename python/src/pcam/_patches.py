"""PatchCamelyon as a map-style data set: the `.h5` read in place, a whole batch gathered at once. Needs NumPy."""

from __future__ import annotations

import csv
import mmap
import os
import sys
import tempfile
import threading
import time
import zlib
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from ._errors import PcamError
from ._run import Stderr, run_json

Path = Union[str, "os.PathLike[str]"]

PATCH_SHAPE = (96, 96, 3)
PATCH_BYTES = 96 * 96 * 3
#: `crop="center32"`: the rows and columns that decide the label.
CENTER = slice(32, 64)
PREFIX = "camelyonpatch_level_2_split_"
SPLITS = {"train": "train", "valid": "valid", "val": "valid", "validation": "valid", "test": "test"}
#: A patch that takes longer to copy (seconds) came from the disk: from memory it takes 2 to 5 microseconds.
SLOW_PATCH = 15e-6
PAGE = mmap.PAGESIZE


class Patches:
    """The patches of one split, for PyTorch, JAX, Keras, Grain or a plain loop.

    ``data[i]`` is ``(image, label)``: uint8 (96, 96, 3), writable, and an int. ``data[[3, 1, 5]]``, an array, a mask or a
    slice is one gathered batch: uint8 (n, 96, 96, 3) and int64 (n,). So ``DataLoader(data,
    sampler=BatchSampler(RandomSampler(data), 256, False), batch_size=None)`` reads whole batches, the fastest way.

    A file in which the patches lie uncompressed (contiguous, or whole patches in each chunk) is mapped and read in place;
    any other is read through h5py. Safe under fork, spawn and threads; pickles to a few kB.

    Args:
        root: the folder of the ``.h5`` files or the one above it; PCAM_DIR or ``"pcam"`` by default.
        split: ``"train"``, ``"valid"`` (``"val"``, ``"validation"``) or ``"test"``.
        transform: called with each image.
        target_transform: called with each label.
        unique: only the first of pixel-identical patches.
        indices: only these patches, in this order: a sequence of ints, or a file as ``--indices`` takes it.
        crop: ``"center32"``: only the 32 x 32 px that decide the label; images are (32, 32, 3) then.

    Attributes:
        labels: int64 (n,).
        indices: int64 (n,): the index of each patch in its split.
        slides: str (n,): the slide of each patch; needs the meta CSV.

    Raises:
        PcamError: a file is missing, or is not what it should be.

    Example:
        >>> data = pcam.Patches("pcam", split="train", unique=True)    # doctest: +SKIP
        >>> for images, labels in data.batches(256, shuffle=True):     # doctest: +SKIP
        ...     ...
    """

    def __init__(
        self,
        root: Optional[Path] = None,
        split: str = "train",
        *,
        transform: Optional[Callable[[Any], Any]] = None,
        target_transform: Optional[Callable[[int], Any]] = None,
        unique: bool = False,
        indices: Union[Sequence[int], "np.ndarray[Any, Any]", Path, None] = None,
        crop: Optional[str] = None,
    ) -> None:
        if split not in SPLITS:
            raise PcamError("USAGE", f"split must be train, valid or test, not {split!r}", None, 2)
        if crop not in (None, "center32"):
            raise PcamError("USAGE", f"crop must be 'center32' or None, not {crop!r}", None, 2)
        self.split = SPLITS[split]
        self.transform = transform
        self.target_transform = target_transform
        self.crop = crop
        self._folder = _find_folder(root, self.split)
        layouts = _ask_layouts(self._folder, self.split)
        self._images = _ImageFile(self._path("x.h5"), layouts.get("x"))
        self._label_layout = layouts.get("y")
        self._labels: Any = None
        self._slides: Any = None
        self._rows: Any = None
        rows = None if indices is None else _read_indices(indices, self.split, self._images.count)
        if unique:
            first = _ask_first_copies(self._folder, self.split)
            rows = first if rows is None else rows[np.isin(rows, first)]
        self._rows = rows
        self._labels = self._read_labels()

    def __len__(self) -> int:
        return self._images.count if self._rows is None else len(self._rows)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, (int, np.integer)) and not isinstance(i, (bool, np.bool_)):
            at = self._in_range(np.array([i], dtype=np.int64))
            return self._sample(self._gather(at)[0], int(self.labels[at[0]]))
        at = self._positions(i)
        images = self._gather(at)
        labels = self.labels[at]
        if self.transform is not None:
            images = _stack([self.transform(image) for image in images], images)
        if self.target_transform is not None:
            labels = _stack([self.target_transform(int(label)) for label in labels], labels)
        return images, labels

    def __getitems__(self, indices: Any) -> List[Any]:
        """A list of ``(image, label)``: what torch's DataLoader asks for, gathered as one batch."""
        at = self._in_range(np.asarray(indices, dtype=np.int64))
        return [self._sample(image, int(label)) for image, label in zip(self._gather(at), self.labels[at])]

    def batches(
        self, size: int, shuffle: bool = False, seed: int = 0, drop_last: bool = False
    ) -> Iterator[Tuple[Any, Any]]:
        """Iterates once over all patches, ``size`` at a time, without any framework.

        Args:
            size: patches per batch.
            shuffle: in a random order, drawn by ``seed`` (give another one for each epoch).
            drop_last: leave out a last batch of fewer patches.
        """
        if size < 1:
            raise ValueError(f"size must be 1 or more, not {size}")
        order = np.random.default_rng(seed).permutation(len(self)) if shuffle else np.arange(len(self))
        end = len(order) - len(order) % size if drop_last else len(order)
        for begin in range(0, end, size):
            yield self[order[begin : begin + size]]

    @property
    def indices(self) -> Any:
        return np.arange(self._images.count) if self._rows is None else self._rows

    @property
    def labels(self) -> Any:
        if self._labels is None:
            self._labels = self._read_labels()
        return self._labels

    @property
    def slides(self) -> Any:
        if self._slides is None:
            slides = _read_slides(self._path("meta.csv"), self.split, self._images.count)
            self._slides = slides if self._rows is None else slides[self._rows]
        return self._slides

    def __repr__(self) -> str:
        return f"Patches({self._folder!r}, split={self.split!r}): {len(self):,} patches"

    def __getstate__(self) -> Dict[str, Any]:
        rows = None if self._rows is None else zlib.compress(np.diff(self._rows, prepend=0).tobytes())
        return {**self.__dict__, "_labels": None, "_slides": None, "_rows": rows}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._rows is not None:
            self._rows = np.cumsum(np.frombuffer(zlib.decompress(self._rows), dtype=np.int64))

    def _path(self, ending: str) -> str:
        return os.path.join(self._folder, f"{PREFIX}{self.split}_{ending}")

    def _read_labels(self) -> Any:
        labels = _read_array(self._path("y.h5"), "y", self._label_layout).reshape(-1)
        if len(labels) != self._images.count:
            raise _wrong(self._path("y.h5"), f"{self._images.count} labels", f"{len(labels)}")
        labels = labels.astype(np.int64)
        return labels if self._rows is None else labels[self._rows]

    def _positions(self, i: Any) -> Any:
        if isinstance(i, slice):
            return np.arange(len(self))[i]
        at = np.asarray(i)
        if at.dtype == np.bool_:
            if at.shape != (len(self),):
                raise IndexError(f"a mask must have shape ({len(self)},), not {at.shape}")
            return np.flatnonzero(at)
        if at.size and at.dtype.kind not in "iu":
            raise TypeError(f"indices must be integers, a mask or a slice, not {at.dtype}")
        return self._in_range(at.astype(np.int64).reshape(-1))

    def _in_range(self, at: Any) -> Any:
        n = len(self)
        outside = (at < -n) | (at >= n)
        if outside.any():
            raise IndexError(f"index {int(at[outside][0])} is out of range: {self.split} has {n} patches here")
        return np.where(at < 0, at + n, at)

    def _gather(self, at: Any) -> Any:
        return self._images.gather(at if self._rows is None else self._rows[at], self.crop)

    def _sample(self, image: Any, label: int) -> Tuple[Any, Any]:
        return (
            image if self.transform is None else self.transform(image),
            label if self.target_transform is None else self.target_transform(label),
        )


class _ImageFile:
    """The images of one split: mapped where patches lie in the file as they are, else read through h5py."""

    def __init__(self, path: str, layout: Optional[Dict[str, Any]]) -> None:
        self.path = path
        self.layout = layout or _ask_h5py(path, "x")
        shape, dtype = self.layout.get("shape"), self.layout.get("dtype")
        if not shape or tuple(shape[1:]) != PATCH_SHAPE or dtype not in ("|u1", "uint8"):
            raise _wrong(path, "uint8 of shape (N, 96, 96, 3)", f"{dtype} of shape {tuple(shape or ())}")
        self.count = int(shape[0])
        self._reset()

    def _reset(self) -> None:
        self._pid = 0
        self._map: Any = None
        self._view: Any = None
        self._dataset: Any = None
        # Asking for pages costs a system call for each patch: only while patches come from the disk.
        self._advise = True
        self._lock = threading.Lock()

    def __getstate__(self) -> Dict[str, Any]:
        return {"path": self.path, "layout": self.layout, "count": self.count}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._reset()

    def gather(self, rows: Any, crop: Optional[str]) -> Any:
        """Copies patches into one new array, uint8 (n, 96, 96, 3) or (n, 32, 32, 3)."""
        if self._pid != os.getpid():
            with self._lock:
                self._open()
        if self._dataset is not None:
            return self._read(rows, crop)
        if self._advise:
            self._ask_for_pages(rows)
        began = time.perf_counter()
        images = self._copy(rows, crop)
        self._advise = time.perf_counter() - began > SLOW_PATCH * len(rows)
        return images

    def _open(self) -> None:
        """Maps the file; in a forked process, and after pickling, once more."""
        if self._pid == os.getpid():
            return
        offsets = _patch_offsets(self.layout, self.count)
        if offsets is None:
            self._dataset = _open_h5py(self.path)["x"]
        else:
            self._map_file(offsets)
        self._pid = os.getpid()

    def _map_file(self, offsets: Any) -> None:
        try:
            with open(self.path, "rb") as file:
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except FileNotFoundError:
            raise _missing(self.path) from None
        last = int(offsets.max()) + PATCH_BYTES if len(offsets) else 0
        if len(mapped) < last:
            raise _wrong(self.path, f"{last} bytes or more", f"{len(mapped)}")
        if hasattr(mmap, "MADV_RANDOM"):
            # The default read-ahead fetches megabytes for each patch.
            mapped.madvise(mmap.MADV_RANDOM)
        stride = int(offsets[1] - offsets[0]) if len(offsets) > 1 else PATCH_BYTES
        regular = len(offsets) < 2 or bool((np.diff(offsets) == PATCH_BYTES).all())
        if regular and stride == PATCH_BYTES and len(offsets):
            flat = np.frombuffer(mapped, np.uint8, self.count * PATCH_BYTES, int(offsets[0]))
            self._view = flat.reshape(-1, *PATCH_SHAPE)
        self._offsets = offsets
        self._map = mapped

    def _copy(self, rows: Any, crop: Optional[str]) -> Any:
        if self._view is not None:
            return np.take(self._view, rows, axis=0) if crop is None else self._view[rows, CENTER, CENTER]
        images = np.empty((len(rows), *PATCH_SHAPE), np.uint8)
        flat = images.reshape(len(rows), PATCH_BYTES)
        for to, offset in enumerate(self._offsets[rows].tolist()):
            flat[to] = np.frombuffer(self._map, np.uint8, PATCH_BYTES, offset)
        return _cropped(images, crop)

    def _ask_for_pages(self, rows: Any) -> None:
        """Asks for every page of the batch before the first is touched: a disk then reads them side by side."""
        if not hasattr(mmap, "MADV_WILLNEED") or len(rows) == 0:
            return
        offsets = np.sort(self._offsets[rows])
        ends = np.flatnonzero(np.diff(offsets) > PATCH_BYTES)
        begins = [0, *(ends + 1).tolist()]
        for begin, end in zip(begins, [*ends.tolist(), len(offsets) - 1]):
            start = int(offsets[begin]) // PAGE * PAGE
            self._map.madvise(mmap.MADV_WILLNEED, start, int(offsets[end]) + PATCH_BYTES - start)

    def _read(self, rows: Any, crop: Optional[str]) -> Any:
        """Through h5py, in the order of the file: neighbours share a chunk, which is decoded once."""
        images = np.empty((len(rows), *PATCH_SHAPE), np.uint8)
        with self._lock:
            for to in np.argsort(rows, kind="stable").tolist():
                self._dataset.read_direct(images, np.s_[int(rows[to])], np.s_[to])
        return _cropped(images, crop)


def _cropped(images: Any, crop: Optional[str]) -> Any:
    return images if crop is None else np.ascontiguousarray(images[:, CENTER, CENTER])


def _stack(values: List[Any], like: Any) -> Any:
    """Stacks equal arrays, tensors or numbers; anything else stays a list."""
    if not values:
        return like
    first = values[0]
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(first, torch.Tensor):
        return torch.stack(values)
    if isinstance(first, (np.ndarray, np.generic, int, float)):
        return np.stack([np.asarray(value) for value in values])
    return values


def _patch_offsets(layout: Dict[str, Any], count: int) -> Any:
    """Where each patch begins in the file, int64 (count,); None where patches do not lie in it as they are."""
    if layout.get("layout") == "contiguous" and layout.get("offset") is not None:
        return int(layout["offset"]) + np.arange(count, dtype=np.int64) * PATCH_BYTES
    chunks = layout.get("chunks")
    if layout.get("filters") or not isinstance(chunks, dict):
        return None
    per_chunk = int(chunks["shape"][0])
    number = -(-count // per_chunk)
    if chunks.get("offsets") is not None:
        starts = np.asarray(chunks["offsets"], dtype=np.int64)
    elif chunks.get("offset") is not None:
        starts = int(chunks["offset"]) + np.arange(number, dtype=np.int64) * int(chunks["stride"])
    else:
        return None
    if tuple(chunks["shape"][1:]) != PATCH_SHAPE or len(starts) != number:
        return None
    rows = np.arange(count, dtype=np.int64)
    return starts[rows // per_chunk] + rows % per_chunk * PATCH_BYTES


def _find_folder(root: Optional[Path], split: str) -> str:
    given = os.fspath(root) if root is not None else os.environ.get("PCAM_DIR") or "pcam"
    name = f"{PREFIX}{split}_x.h5"
    for folder in (given, os.path.join(given, "pcam")):
        if os.path.exists(os.path.join(folder, name)):
            return os.path.abspath(folder)
    raise _missing(os.path.join(os.path.abspath(given), name))


def _ask_layouts(folder: str, split: str) -> Dict[str, Dict[str, Any]]:
    """Asks the tool, once, how images and labels lie in their files; {} where it cannot say."""
    try:
        document = run_json(["info", f"--dir={folder}"], Stderr("collect"))[1]
    except PcamError:
        return {}
    layouts = {}
    for file in document.get("files", []):
        hdf5 = file.get("hdf5")
        if hdf5 and file.get("split") == split:
            layouts["x" if file.get("kind") == "images" else "y"] = hdf5
    return layouts


def _ask_first_copies(folder: str, split: str) -> Any:
    """Indices of the first of identical patches, from the scan of `pcam stats`."""
    with tempfile.TemporaryDirectory(prefix="pcam-") as temporary:
        table = os.path.join(temporary, "patches.csv")
        run_json(["stats", f"--dir={folder}", f"--split={split}", f"--table={table}"], Stderr("collect"))
        with open(table, encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            return np.array([int(row["index"]) for row in rows if row["index"] == row["first"]], dtype=np.int64)


def _read_indices(indices: Any, split: str, count: int) -> Any:
    rows = np.asarray(_parse_indices(indices, split) if isinstance(indices, (str, os.PathLike)) else indices)
    if rows.size == 0:
        rows = rows.astype(np.int64)
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise PcamError("USAGE", f"indices must be a sequence of integers, not {rows.dtype} of shape {rows.shape}", None, 2)
    outside = (rows < 0) | (rows >= count)
    if outside.any():
        raise PcamError(
            "USAGE", f"index {int(rows[outside][0])} is out of range: {split} has {count} patches", None, 2
        )
    return rows.astype(np.int64)


def _parse_indices(path: Path, split: str) -> List[int]:
    """Reads a file as `--indices` takes it: an index, or `split,index`, per line; lines of other splits do not count."""
    found = []
    with open(path, encoding="utf-8-sig") as file:
        for number, line in enumerate(file, 1):
            entry = line.partition("#")[0].strip()
            if not entry:
                continue
            word, comma, index = (field.strip() for field in entry.rpartition(","))
            if not index.isdigit() or (comma and word.lower() not in SPLITS):
                hint = "one index, or split,index, per line, such as 17 or valid,17"
                raise PcamError("USAGE", f"{os.fspath(path)}, line {number}: {entry[:60]!r} is no index", hint, 2)
            if not comma or SPLITS[word.lower()] == split:
                found.append(int(index))
    return found


def _read_slides(path: str, split: str, count: int) -> Any:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            slides = np.array([row["wsi"] for row in csv.DictReader(file)])
    except FileNotFoundError:
        raise _missing(path, kind="meta") from None
    except KeyError:
        raise _wrong(path, "a column wsi", "none") from None
    if len(slides) != count:
        raise _wrong(path, f"{count} rows", f"{len(slides)}")
    return slides


def _read_array(path: str, name: str, layout: Optional[Dict[str, Any]]) -> Any:
    """A small array as a whole: from its place in the file where that is known, else through h5py."""
    if layout and layout.get("layout") == "contiguous" and layout.get("offset") is not None and layout.get("dtype"):
        try:
            dtype, items = np.dtype(layout["dtype"]), int(np.prod(layout["shape"]))
            array = np.fromfile(path, dtype, items, offset=int(layout["offset"]))
        except FileNotFoundError:
            raise _missing(path) from None
        if len(array) != items:
            raise _wrong(path, f"{items} values", f"{len(array)}")
        return array
    return _open_h5py(path)[name][()]


def _ask_h5py(path: str, name: str) -> Dict[str, Any]:
    dataset = _open_h5py(path)[name]
    in_place = dataset.chunks is None and not dataset.external and dataset.id.get_offset() is not None
    return {
        "layout": "contiguous" if in_place else "chunked",
        "offset": dataset.id.get_offset() if in_place else None,
        "shape": list(dataset.shape),
        "dtype": dataset.dtype.str,
    }


def _open_h5py(path: str) -> Any:
    if not os.path.exists(path):
        raise _missing(path)
    try:
        import h5py
    except ImportError:
        message = f"{path} does not hold its values as they are, so reading it needs h5py"
        raise PcamError("IO", message, "pip install h5py", 5) from None
    try:
        return h5py.File(path, "r")
    except OSError as error:
        hint = "`pcam verify` says whether it is damaged"
        raise PcamError("BAD_HDF5", f"{path} cannot be read as HDF5: {error}", hint, 3) from error


def _missing(path: str, kind: Optional[str] = None) -> PcamError:
    split = os.path.basename(path)[len(PREFIX) :].split("_")[0]
    arguments = f"split={split!r}" + (f", kind={kind!r}" if kind else "")
    return PcamError("MISSING", f"there is no {path}", f"pcam.download({arguments}) fetches it", 3)


def _wrong(path: str, expected: str, found: str) -> PcamError:
    hint = "`pcam verify` says whether it is damaged"
    return PcamError("BAD_DATA", f"{path}: expected {expected}, found {found}", hint, 3)
