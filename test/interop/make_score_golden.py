"""Writes the vectors of test/score/golden from scikit-learn, SciPy and pyarrow: make_score_golden.py FOLDER."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import score_reference as reference

folder = Path(sys.argv[1])
rng = np.random.default_rng(25)
cases = []


def case(name, y, scores, kind="probability", threshold=0.5, slides=None):
    y, scores = np.asarray(y), np.asarray(scores, dtype=float)
    values = reference.sigmoid(scores) if kind == "logit" else scores
    thresholds = [("given", threshold)]
    entry = {"name": name, "kind": kind, "threshold": threshold, "labels": y.tolist(), "scores": scores.tolist()}
    entry["metrics"] = reference.measure(y, scores, values, kind, thresholds)
    entry["best"] = reference.best_threshold(y, values)
    cases.append(entry)


def labels(n):
    return (rng.random(n) < 0.5).astype(int)


y = labels(60)
good = np.clip(0.35 * y + 0.65 * rng.random(60), 0, 1)
case("distinct probabilities", y, good)
case("ties", y, np.round(good, 1))
case("edges of bins", y, np.round(good * 15) / 15)
case("saturated", y, np.where(good > 0.6, 1.0, np.where(good < 0.2, 0.0, good)))
case("float32", y, good.astype(np.float32))
case("logits", y, 8 * (good - 0.5), "logit")
case("large logits", y, 2000 * (good - 0.5), "logit", 0.3)
case("decisions", y, (good > 0.5).astype(int), "decision")
case("bare scores", y, 50 * good - 20, "score", 3.0)
case("constant", y, np.full(60, 0.25))
case("perfect", y, y * 0.8 + 0.1)
case("inverted", y, 0.9 - y * 0.8)
case("nothing called positive", y, good * 0.4)
case("one class, positive", np.ones(20, int), rng.random(20))
case("one class, negative", np.zeros(20, int), rng.random(20))
case("one patch", [1], [0.7])
case("few", [0, 1, 1, 0, 1], [0.2, 0.2, 0.9, 0.9, 0.5])

pairs = []
for name, a, b in [
    ("near", good, np.clip(good + rng.normal(0, 0.1, 60), 0, 1)),
    ("far", good, rng.random(60)),
    ("same", good, good),
    ("ties", np.round(good, 1), np.round(np.clip(good + rng.normal(0, 0.2, 60), 0, 1), 1)),
]:
    right = [((s >= 0.5) == (y == 1)) for s in (a, b)]
    pairs.append({
        "name": name, "labels": y.tolist(), "first": a.tolist(), "second": b.tolist(),
        "delong": reference.delong(y, a, b), "mcnemar": reference.mcnemar(*right),
    })

(folder / "metrics.json").write_text(json.dumps({"cases": cases, "pairs": pairs}) + "\n")

table = pa.table({
    "split": ["test", "test", "valid", "test"],
    "index": pa.array([2, 0, 0, 1], pa.int64()),
    "note": ["a", "b", None, "d"],
    "prob": pa.array([0.75, 0.125, 0.9, 0.5], pa.float32()),
})
for codec in ["none", "snappy", "gzip", "zstd"]:
    pq.write_table(table, folder / f"{codec}.parquet", compression=codec, use_dictionary=codec != "gzip",
                   data_page_version="2.0" if codec == "gzip" else "1.0")
