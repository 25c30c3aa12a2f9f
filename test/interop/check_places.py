"""Compares where pcam says that arrays lie with what HDF5 says. Argument: a JSON file, places by path of the file."""

import json
import sys

import h5py

for path, place in json.load(open(sys.argv[1])).items():
    with h5py.File(path) as file:
        array = file[place["path"]]
        plan = array.id.get_create_plist()
        filters = [plan.get_filter(i)[0] for i in range(plan.get_nfilters())]
        assert tuple(place["shape"]) == array.shape, path
        assert place["dtype"] in (array.dtype.name, array.dtype.str), path
        assert place["layout"] == ["compact", "contiguous", "chunked"][plan.get_layout()], path
        assert place["offset"] == array.id.get_offset(), path
        assert place["filters"] == (filters or None), path
        chunks = place["chunks"]
        if chunks is None:
            continue
        assert tuple(chunks["shape"]) == array.chunks, path
        found = [array.id.get_chunk_info(i) for i in range(array.id.get_num_chunks())]
        expected = {info.chunk_offset[0] // array.chunks[0]: info.byte_offset for info in found}
        count = -(-array.shape[0] // array.chunks[0])
        offsets = chunks["offsets"] or [chunks["offset"] + i * chunks["stride"] for i in range(count)]
        assert offsets == [expected.get(i) for i in range(count)], path
