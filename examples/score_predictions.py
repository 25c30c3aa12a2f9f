"""Trains two small models, predicts, and has pcam score, compare and show the mistakes.

    pcam fixture archives && pcam download --manifest archives/manifest.json
    python3 score_predictions.py pcam predictions

The models are logistic regressions on three numbers per patch: `center` sees how varied the channels of the center 32 x
32 px are, which decide the label, `whole` the mean color of the whole patch. They are here to have predictions; put your
own in their place: one row per patch with its key. The threshold is chosen on valid, never on test.

Needs numpy, h5py, and pcam on the PATH.
"""
import csv
import json
import os
import subprocess
import sys

import h5py
import numpy as np

BATCH = 1024


def features(images, model):
    """Uint8 (n, 96, 96, 3) to float64 (n, 3)."""
    if model == "whole":
        return images.mean(axis=(1, 2)) / 255
    return images[:, 32:64, 32:64].std(axis=(1, 2)) / 255


def read(folder, split, model):
    stem = os.path.join(folder, f"camelyonpatch_level_2_split_{split}")
    with h5py.File(f"{stem}_x.h5", "r") as file:
        x = file["x"]
        batches = [features(x[start : start + BATCH], model) for start in range(0, len(x), BATCH)]
    with h5py.File(f"{stem}_y.h5", "r") as file:
        return np.concatenate(batches), file["y"][:].reshape(-1).astype(float)


def train(x, y, steps=3000, rate=1.0):
    mean, std = x.mean(axis=0), x.std(axis=0) + 1e-9
    x = (x - mean) / std
    weights, bias = np.zeros(x.shape[1]), 0.0
    for _ in range(steps):
        error = 1 / (1 + np.exp(-(x @ weights + bias))) - y
        weights -= rate * (x.T @ error / len(y) + 1e-3 * weights)
        bias -= rate * error.mean()
    return lambda new: 1 / (1 + np.exp(-((new - mean) / std @ weights + bias)))


def write(path, split, probabilities):
    with open(path, "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["key", "prob"])
        rows.writerows([f"{split}_{index:06d}", p] for index, p in enumerate(probabilities))


def main(folder="pcam", out="predictions", *pcam):
    os.makedirs(out, exist_ok=True)
    path = lambda name: os.path.join(out, name)  # noqa: E731
    for model in ["center", "whole"]:
        predict = train(*read(folder, "train", model))
        for split in ["valid", "test"]:
            write(path(f"{model}-{split}.csv"), split, predict(read(folder, split, model)[0]))

    def run(*arguments):
        command = [*(pcam or ["pcam"]), *arguments, "--dir", folder, "--json"]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)

    result = run(
        "score", path("center-test.csv"), "--valid", path("center-valid.csv"),
        "--compare", path("whole-test.csv"), "--compare-valid", path("whole-valid.csv"),
        "--errors", path("wrong.txt"), "--out", path("score.html"),
    )  # fmt: skip
    if os.path.getsize(path("wrong.txt")) > 0:
        run("preview", "--split", "test", "--indices", path("wrong.txt"), "--out", path("wrong.png"))
    last = result["decisions"][-1]
    print(json.dumps({
        "auc": result["ranking"]["auc"],
        "accuracy": last["accuracy"],
        "threshold": last["threshold"],
        "better by": result["compare"]["ranking"]["auc"],
        "findings": [finding["code"] for finding in result["findings"]],
    }, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
