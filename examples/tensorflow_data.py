"""TFRecord files in tf.data: through TFDS, and without it. Each shuffles, and gives batches on the scale of 0 to 1.

    pcam export --format tfrecord
    python3 tensorflow_data.py pcam-tfrecord

Needs tensorflow, and tensorflow-datasets for the first way.
"""
import os
import sys

import tensorflow as tf

BATCH = 64
FEATURES = {
    "id": tf.io.FixedLenFeature([], tf.string),
    "image": tf.io.FixedLenFeature([], tf.string),
    "label": tf.io.FixedLenFeature([], tf.int64),
}


def with_tfds(folder, split, seed=0):
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(folder)
    config = tfds.ReadConfig(shuffle_seed=seed)
    return builder.as_dataset(split=split, as_supervised=True, shuffle_files=True, read_config=config)


def without_tfds(folder, split, seed=0):
    def parse(record):
        example = tf.io.parse_single_example(record, FEATURES)
        return tf.io.decode_png(example["image"], channels=3), example["label"]

    files = tf.data.Dataset.list_files(os.path.join(folder, f"patch_camelyon-{split}.tfrecord-*"), seed=seed)
    records = files.interleave(tf.data.TFRecordDataset, cycle_length=8, num_parallel_calls=tf.data.AUTOTUNE)
    return records.map(parse, num_parallel_calls=tf.data.AUTOTUNE)


def batches(data, seed=0):
    """For training: another order in every epoch. 4,096 patches wait in memory, 113 MB."""
    scale = lambda images, labels: (tf.cast(images, tf.float32) / 255, labels)  # noqa: E731
    return data.shuffle(4096, seed=seed).batch(BATCH).map(scale).prefetch(tf.data.AUTOTUNE)


def main(folder="pcam-tfrecord", split="validation"):
    for data in (with_tfds(folder, split), without_tfds(folder, split)):
        patches = positive = 0
        for images, labels in batches(data):  # float32 (n, 96, 96, 3), int64 (n)
            patches += len(labels)
            positive += int(tf.reduce_sum(labels))
        print(patches, "patches,", positive, "positive")


if __name__ == "__main__":
    main(*sys.argv[1:])
