"""TFDS on `tfrecord`: in place of its own data set, its order, sub-splits, configs; tf.data alone; VTAB-1k, which is cut from it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import COUNTS, HUB_SPLITS, Split, each_split, index_of
from PIL import Image

tf = pytest.importorskip("tensorflow")
tfds = pytest.importorskip("tensorflow_datasets")

EXAMPLES = Path(__file__).parents[2] / "examples"
DROP_IN = "patch_camelyon/2.0.0"


def patches(data):
    return [(index_of(row["id"].decode()), row["image"], row["label"]) for row in tfds.as_numpy(data)]


@pytest.fixture(scope="module")
def drop_in(export) -> Path:
    """The folder that holds patch_camelyon, with several shards a split."""
    return export("tfrecord", at=DROP_IN, shard_size=128).parents[1]


@pytest.fixture(scope="module")
def one_shard(export) -> Path:
    return export("tfrecord", at=DROP_IN).parents[1]


def load(folder: Path, split: str):
    return patches(tfds.load("patch_camelyon", data_dir=folder, split=split, download=False))


@each_split
@pytest.mark.parametrize("shards", ["one_shard", "drop_in"])
def test_load_takes_the_folder_as_its_own(request, shards, splits: dict[str, Split], name: str) -> None:
    folder = request.getfixturevalue(shards)
    builder = tfds.builder("patch_camelyon", data_dir=folder)
    assert builder.is_prepared() and builder.info.features["label"].names == ["0", "1"]
    splits[name].check(load(folder, HUB_SPLITS[name]))


@pytest.mark.parametrize(
    "split", ["train", "validation", "test", "train[:800]", "validation[:200]", "test[10:60]", "train[25%:75%]", "train[-100:]"]
)
def test_order_and_sub_splits_are_those_of_tfds_own_builder(one_shard: Path, own_tfds: Path, splits, split: str) -> None:
    ours, theirs = load(one_shard, split), load(own_tfds, split)
    assert [index for index, *_ in ours] == [index for index, *_ in theirs]
    for (_, image, label), (_, other_image, other_label) in zip(ours, theirs):
        assert np.array_equal(image, other_image) and label == other_label
    name = {hub: name for name, hub in HUB_SPLITS.items()}[split.split("[")[0]]
    splits[name].check(ours, indices=[index for index, *_ in theirs])


@pytest.mark.parametrize("split", ["train[:800]", "validation[:200]", "test[10:60]"])
def test_a_sub_split_is_the_same_set_in_any_number_of_shards(drop_in: Path, own_tfds: Path, split: str) -> None:
    assert {index for index, *_ in load(drop_in, split)} == {index for index, *_ in load(own_tfds, split)}


def test_info_is_that_of_tfds_own_builder(one_shard: Path, own_tfds: Path) -> None:
    ours, theirs = (tfds.builder("patch_camelyon", data_dir=folder).info for folder in (one_shard, own_tfds))
    assert str(ours.features) == str(theirs.features) and ours.full_name == theirs.full_name
    assert ours.supervised_keys == theirs.supervised_keys
    for split in HUB_SPLITS.values():
        assert ours.splits[split].shard_lengths == theirs.splits[split].shard_lengths
        assert ours.splits[split].filenames == theirs.splits[split].filenames


def test_crop_has_a_config_of_its_own(export, splits) -> None:
    builder = tfds.builder_from_directory(export("tfrecord", crop="center32", shard_size=128))
    assert builder.info.config_name == "center32"
    for name, hub in HUB_SPLITS.items():
        splits[name].check(patches(builder.as_dataset(split=hub)), side=32)


def test_selection_has_a_config_of_its_own(export, splits) -> None:
    builder = tfds.builder_from_directory(export("tfrecord", split="valid", label=1, sample=40))
    assert builder.info.config_name.startswith("selection-")
    rows = patches(builder.as_dataset(split="validation"))
    assert len(rows) == 40 and all(label == 1 for *_, label in rows)
    splits["valid"].check(rows, indices=[index for index, *_ in rows])


def test_file_order_is_that_of_the_files(export, splits) -> None:
    builder = tfds.builder_from_directory(export("tfrecord", order="file"))
    assert builder.info.config_name == "order-file"
    rows = patches(builder.as_dataset(split="train"))
    assert [index for index, *_ in rows] == list(range(COUNTS["train"]))
    splits["train"].check(rows)


@each_split
def test_tf_data_alone(export, splits, name: str) -> None:
    features = {"id": tf.io.FixedLenFeature([], tf.string), "image": tf.io.FixedLenFeature([], tf.string)}
    features["label"] = tf.io.FixedLenFeature([], tf.int64)

    def parse(record):
        row = tf.io.parse_single_example(record, features)
        return {**row, "image": tf.io.decode_png(row["image"], channels=3)}

    files = tf.data.Dataset.list_files(str(export("tfrecord", shard_size=128) / f"patch_camelyon-{HUB_SPLITS[name]}.tfrecord-*"))
    splits[name].check(patches(files.interleave(tf.data.TFRecordDataset, cycle_length=4).map(parse)))


def test_batches_of_the_example_are_shuffled(export, monkeypatch) -> None:
    """Each batch of the example has both labels, in another order than the next time."""
    monkeypatch.syspath_prepend(EXAMPLES)
    import tensorflow_data

    folder = str(export("tfrecord", order="file", shard_size=128))
    for data in (tensorflow_data.with_tfds(folder, "train"), tensorflow_data.without_tfds(folder, "train")):
        batches = tensorflow_data.batches(data)
        first, second = ([tuple(labels.numpy()) for _, labels in batches] for _ in range(2))
        assert first != second and all(len(set(labels)) == 2 for labels in first)


def read_list(root, name):
    """NOAH's ImageFilelist: lines of a path below the root and a label, images opened as RGB."""
    lines = [line.strip().split() for line in (root / f"{name}.txt").read_text().splitlines()]
    return [(path, np.asarray(Image.open(root / path).convert("RGB")), int(label)) for path, label in lines]


def check_list(rows, name: str, split: Split, order: list[int]) -> None:
    assert [path for path, *_ in rows] == [f"images/{name}/{i:06d}.png" for i in range(len(order))]
    split.check([(index, image, label) for index, (_, image, label) in zip(order, rows)], indices=order)


def test_vtab_1k_has_the_patches_of_tfds(export, splits, own_tfds) -> None:
    root = export("vtab-1k")
    train, valid, test = ([index for index, *_ in load(own_tfds, part)] for part in ("train[:800]", "validation[:200]", "test"))
    check_list(read_list(root, "train800"), "train800", splits["train"], train)
    check_list(read_list(root, "val200"), "val200", splits["valid"], valid)
    check_list(read_list(root, "test"), "test", splits["test"], test)
    both = read_list(root, "train800val200")
    check_list(both[:800], "train800val200", splits["train"], train)
    for number, (index, (path, image, label)) in enumerate(zip(valid, both[800:]), start=800):
        assert path == f"images/train800val200/{number:06d}.png"
        assert np.array_equal(image, splits["valid"].images[index]) and label == splits["valid"].labels[index]
    assert len(both) == 1000
