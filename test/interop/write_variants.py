"""Writes the same patches and labels in every layout that h5py users have. Argument: a folder."""

import sys
import zlib
from pathlib import Path

import h5py
import numpy as np

folder = Path(sys.argv[1])
random = np.random.RandomState(0)
x = random.randint(0, 256, (40, 96, 96, 3), dtype=np.uint8)
x[20:] = np.arange(96, dtype=np.uint8)[None, :, None, None]  # a half that compresses
y = random.randint(0, 2, 40)
x.tofile(folder / "x.raw")
y.astype(np.uint8).tofile(folder / "y.raw")

for name, options in {
    "contiguous": {},
    "chunked": {"chunks": (7, 96, 96, 3)},
    "patch-chunks": {"chunks": (1, 96, 96, 3)},
    "split-chunks": {"chunks": (16, 12, 24, 1)},
    "gzip": {"chunks": True, "compression": "gzip"},
    "gzip-shuffle-fletcher": {"chunks": (9, 96, 96, 3), "compression": 1, "shuffle": True, "fletcher32": True},
}.items():
    for libver in ("earliest", "latest"):
        with h5py.File(folder / f"x-{name}-{libver}.h5", "w", libver=libver) as file:
            file.create_dataset("x", data=x, **options)

types = {
    "uint8": "u1", "int8": "i1", "uint16": "<u2", "uint32": "<u4", "int64": "<i8", "uint64": "<u8",
    "big-int16": ">i2", "big-uint32": ">u4", "big-int64": ">i8", "bool": "?",
}
for name, dtype in types.items():
    with h5py.File(folder / f"y-{name}.h5", "w") as file:
        file.create_dataset("y", data=y.astype(dtype).reshape(-1, 1, 1, 1))
with h5py.File(folder / "y-flat.h5", "w") as file:
    file.create_dataset("y", data=y.astype("i8"))
with h5py.File(folder / "y-gzip.h5", "w") as file:
    file.create_dataset("y", data=y.astype("u4").reshape(-1, 1, 1, 1), chunks=(7, 1, 1, 1), compression="gzip")

# Chunks and groups of every kind that has a structure of its own.
for libver in ("earliest", "latest"):
    def write(name, shape=(41, 96, 96, 3), chunks=(4, 96, 96, 3), rows=range(41), **options):
        with h5py.File(folder / f"place-{name}-{libver}.h5", "w", libver=libver) as file:
            array = file.create_dataset("x", shape, "u1", chunks=chunks, **options)
            for row in rows:
                array[row] = row % 251

    write("in-order")
    write("shuffled", rows=random.permutation(41))
    write("holes", rows=[5, 30])
    write("many", (5000, 8, 8, 3), (1, 8, 8, 3), range(5000))
    write("many-holes", (5000, 8, 8, 3), (1, 8, 8, 3), range(0, 5000, 1500))
    write("one-chunk", chunks=(41, 96, 96, 3))
    write("growing", maxshape=(None, 96, 96, 3))
    write("filtered", shuffle=True, fletcher32=True)
    write("attributes", track_order=True)
    with h5py.File(folder / f"place-attributes-{libver}.h5", "a", libver=libver) as file:
        for i in range(50):
            file["x"].attrs[f"note {i}"] = "text " * 20
    with h5py.File(folder / f"place-early-{libver}.h5", "w", libver=libver) as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk((4, 96, 96, 3))
        plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        h5py.h5d.create(file.id, b"x", h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple((40, 96, 96, 3)), plan)
    with h5py.File(folder / f"place-compact-{libver}.h5", "w", libver=libver) as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_layout(h5py.h5d.COMPACT)
        h5py.h5d.create(file.id, b"x", h5py.h5t.STD_I32BE, h5py.h5s.create_simple((10,)), plan)
    with h5py.File(folder / f"place-group-{libver}.h5", "w", libver=libver) as file:
        for i in range(100):
            file[f"n{i}"] = [1]
        file["x"] = x

# What pcam has to refuse.
def refuse(name, write):
    with h5py.File(folder / f"bad-{name}.h5", "w") as file:
        write(file)


def virtual(file):
    layout = h5py.VirtualLayout(shape=(40, 96, 96, 3), dtype="u1")
    layout[:] = h5py.VirtualSource(str(folder / "x-contiguous-earliest.h5"), "x", shape=(40, 96, 96, 3))
    file.create_virtual_dataset("x", layout)


def soft(file):
    file["z"] = x[:2]
    file["x"] = h5py.SoftLink("/z")


refuse("external-link", lambda f: f.__setitem__("x", h5py.ExternalLink("x-contiguous-earliest.h5", "x")))
refuse("soft-link", soft)
refuse("virtual", virtual)
refuse(
    "external-storage",
    lambda f: f.create_dataset("x", shape=(40, 96, 96, 3), dtype="u1", external=[(str(folder / "x.raw"), 0, x.nbytes)]),
)
refuse("group", lambda f: f.create_group("x"))
refuse("missing", lambda f: f.create_dataset("images", data=x[:2]))
refuse("lzf", lambda f: f.create_dataset("x", data=x, compression="lzf"))
refuse("float", lambda f: f.create_dataset("x", data=x[:2].astype("f4")))
refuse("signed", lambda f: f.create_dataset("x", data=x[:2].astype("i1")))
refuse("shape", lambda f: f.create_dataset("x", data=x[:2, :, :, 0]))
refuse("scalar", lambda f: f.create_dataset("x", data=3))
refuse("text", lambda f: f.create_dataset("x", data="a text"))
refuse("compound", lambda f: f.create_dataset("x", data=np.zeros(3, dtype=[("a", "i4"), ("b", "f8")])))
refuse("empty", lambda f: f.create_dataset("x", data=h5py.Empty("u1")))
refuse("unwritten", lambda f: f.create_dataset("x", shape=(1 << 40, 96, 96, 3), dtype="u1", chunks=(1, 96, 96, 3)))
refuse("large-chunks", lambda f: f.create_dataset("x", shape=(1 << 20, 96, 96, 3), dtype="u1", chunks=(12000, 96, 96, 3)))
refuse("many-chunks", lambda f: f.create_dataset("x", data=x[:1], chunks=(1, 2, 2, 1)))


def bomb(file):
    """A chunk of a few hundred kilobytes that unpacks to 1 GiB where 110 kB belong."""
    segment = zlib.compressobj(9)
    head = segment.compress(b"")
    zeros = segment.compress(bytes(1 << 24)) + segment.flush(zlib.Z_FULL_FLUSH)
    again = segment.compress(bytes(1 << 24)) + segment.flush(zlib.Z_FULL_FLUSH)
    adler = ((64 << 24) % 65521) << 16 | 1
    stream = head + zeros + again * 63 + b"\x03\x00" + adler.to_bytes(4, "big")
    array = file.create_dataset("x", shape=(4, 96, 96, 3), dtype="u1", chunks=(4, 96, 96, 3), compression="gzip")
    array.id.write_direct_chunk((0, 0, 0, 0), stream)


with h5py.File(folder / "bomb.h5", "w") as file:
    bomb(file)
