#!/usr/bin/python3
"""Reads a TFRecord export with Python's protobuf and a CRC-32C of its own, and compares it with the HDF5 files.

Usage: check_tfrecord.py DATA OUT [SIDE]
Follows the steps of tfds.builder_from_directory: names, splits and lengths come from dataset_info.json, types from
features.json. Prints the number of patches compared as JSON by split; any difference is an error.
"""
import hashlib
import io
import json
import os
import struct
import sys

import h5py
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from PIL import Image

TYPE = descriptor_pb2.FieldDescriptorProto


def field(message, name, number, kind, label=TYPE.LABEL_OPTIONAL, of=None, oneof=None):
    entry = message.field.add(name=name, number=number, type=kind, label=label)
    if of:
        entry.type_name = f".tensorflow.{of}"
    if oneof is not None:
        entry.oneof_index = oneof


def example_class():
    """tf.train.Example: tensorflow/core/example/example.proto and feature.proto."""
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="tensorflow", syntax="proto3")
    for name, kind in (("BytesList", TYPE.TYPE_BYTES), ("FloatList", TYPE.TYPE_FLOAT), ("Int64List", TYPE.TYPE_INT64)):
        field(file.message_type.add(name=name), "value", 1, kind, TYPE.LABEL_REPEATED)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, name in enumerate(("bytes_list", "float_list", "int64_list"), 1):
        of = "".join(part.capitalize() for part in name.split("_"))
        field(feature, name, number, TYPE.TYPE_MESSAGE, of=of, oneof=0)
    features = file.message_type.add(name="Features")
    entry = features.nested_type.add(name="FeatureEntry")
    entry.options.map_entry = True
    field(entry, "key", 1, TYPE.TYPE_STRING)
    field(entry, "value", 2, TYPE.TYPE_MESSAGE, of="Feature")
    field(features, "feature", 1, TYPE.TYPE_MESSAGE, TYPE.LABEL_REPEATED, of="Features.FeatureEntry")
    field(file.message_type.add(name="Example"), "features", 1, TYPE.TYPE_MESSAGE, of="Features")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName("tensorflow.Example")
    if hasattr(message_factory, "GetMessageClass"):
        return message_factory.GetMessageClass(descriptor)
    return message_factory.MessageFactory(pool).GetPrototype(descriptor)


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = crc_table()


def masked_crc(data):
    """A byte at a time, as RFC 3720 describes it; then TFRecord's mask."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    with open(path, "rb") as file:
        number = 0
        while head := file.read(8):
            (length,) = struct.unpack("<Q", head)
            assert struct.unpack("<I", file.read(4))[0] == masked_crc(head), f"checksum of length {number}"
            data = file.read(length)
            assert len(data) == length
            assert struct.unpack("<I", file.read(4))[0] == masked_crc(data), f"checksum of record {number}"
            yield data
            number += 1


def check_features(out, side):
    with open(os.path.join(out, "features.json")) as file:
        features = json.load(file)
    base = "tensorflow_datasets.core.features"
    assert features["pythonClassName"] == f"{base}.features_dict.FeaturesDict"
    tree = features["featuresDict"]["features"]
    assert sorted(tree) == ["id", "image", "label"]
    assert tree["id"] == {"pythonClassName": f"{base}.text_feature.Text", "text": {}}
    assert tree["image"]["pythonClassName"] == f"{base}.image_feature.Image"
    assert tree["image"]["image"]["shape"]["dimensions"] == [str(side), str(side), "3"]
    assert tree["label"]["pythonClassName"] == f"{base}.class_label_feature.ClassLabel"
    assert tree["label"]["classLabel"] == {"numClasses": "2"}
    with open(os.path.join(out, "label.labels.txt")) as file:
        assert file.read().split() == ["0", "1"]


def shard_paths(info, split, out):
    template = os.path.join(out, split["filepathTemplate"])
    of = len(split["shardLengths"])
    for number in range(of):
        name = template.format(
            DATASET=info["name"],
            SPLIT=split["name"],
            FILEFORMAT=info["fileFormat"],
            SHARD_X_OF_Y=f"{number:05d}-of-{of:05d}",
        )
        yield name, int(split["shardLengths"][number])


def compare(example, split, reference, side):
    """Compares a record with the patch that its id names. Returns the index of the patch."""
    feature = example.features.feature
    assert sorted(feature) == ["id", "image", "label"]
    (id,) = feature["id"].bytes_list.value
    name, index = id.decode().rsplit("_", 1)
    index = int(index)
    assert name == split and id.decode() == f"{split}_{index}"
    assert list(feature["label"].int64_list.value) == [int(reference["y"][index])]
    (png,) = feature["image"].bytes_list.value
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG" and image.mode == "RGB"
        pixels = np.asarray(image)
    margin = (96 - side) // 2
    expected = reference["x"][index, margin : margin + side, margin : margin + side]
    assert np.array_equal(pixels, expected), f"pixels of {split} {index}"
    return index


def tfds_key(split, index):
    """What TFDS sorts its records by (tensorflow_datasets/core/shuffle.py)."""
    name = {"valid": "validation"}.get(split, split)
    return hashlib.md5(f"{name}{split}_{index}".encode()).digest()


def main():
    data, out = sys.argv[1:3]
    side = int(sys.argv[3]) if len(sys.argv) > 3 else 96
    check_features(out, side)
    with open(os.path.join(out, "dataset_info.json")) as file:
        info = json.load(file)
    assert (info["name"], info["fileFormat"]) == ("patch_camelyon", "tfrecord")
    message = example_class()
    compared = {}
    for split in info["splits"]:
        name = {"validation": "valid"}.get(split["name"], split["name"])
        reference = {}
        for array in "xy":
            with h5py.File(os.path.join(data, f"camelyonpatch_level_2_split_{name}_{array}.h5"), "r") as file:
                reference[array] = file[array][:]
        reference["y"] = reference["y"].reshape(-1)
        indices = []
        bytes_ = 0
        for path, length in shard_paths(info, split, out):
            start = len(indices)
            for record in records(path):
                indices.append(compare(message.FromString(record), name, reference, side))
                bytes_ += len(record)
            found = len(indices) - start
            assert found == length, f"{found} records in {path}, not {length}"
        order = range(len(reference["y"]))
        assert indices == sorted(order, key=lambda index: tfds_key(name, index))
        assert bytes_ == int(split["numBytes"])
        compared[name] = len(indices)
    print(json.dumps(compared))


main()
