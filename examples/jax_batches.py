"""Batches on a device for JAX, the next one on its way while one is used.

    pcam download --split valid
    python3 jax_batches.py pcam valid

Prints the mean of each channel, on the scale of 0 to 1, and the number of positive patches. Needs jax, numpy and pcam.
"""
import json
import sys

import jax
import jax.numpy as jnp

import pcam


@jax.jit
def step(images, labels):
    # On the device: four times fewer bytes go there than as float32.
    scaled = images.astype(jnp.float32) / 255
    return scaled.mean(axis=(1, 2)).sum(axis=0), labels.sum()


def on_device(batches):
    """Sends a batch before the one in use is done with: copies to a device do not wait."""
    waiting = None
    for batch in batches:
        sent = jax.device_put(batch)
        if waiting is not None:
            yield waiting
        waiting = sent
    if waiting is not None:
        yield waiting


def main(folder="pcam", split="valid"):
    data = pcam.Patches(folder, split=split)
    total, positive = jnp.zeros(3), jnp.zeros((), int)
    for images, labels in on_device(data.batches(256, shuffle=True, seed=0)):
        # Nothing here waits for the device: int() or print() of a result would, in every step.
        channels, count = step(images, labels)
        total, positive = total + channels, positive + count
    mean = [round(float(channel) / len(data), 4) for channel in total]
    print(json.dumps({"patches": len(data), "positive": int(positive), "mean": mean}))


if __name__ == "__main__":
    main(*sys.argv[1:])
