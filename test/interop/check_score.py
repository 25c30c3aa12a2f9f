"""Scores in scikit-learn and NumPy what `pcam score` scored, for score.test.ts: check_score.py REQUEST.

REQUEST is a JSON file: labels, scores, kind, thresholds by name, and how often each resample has each patch. Prints
the metrics, their intervals over those resamples, the threshold of the best accuracy, and two tests against `other`.
"""

import json
import sys

import numpy as np

import score_reference as reference

with open(sys.argv[1]) as file:
    request = json.load(file)

y = np.array(request["labels"])
scores = np.array(request["scores"], dtype=float)
other = np.array(request["other"], dtype=float)
kind = request["kind"]
values = reference.sigmoid(scores) if kind == "logit" else scores
thresholds = list(request["thresholds"].items())
right = [(v >= 0.5) == (y == 1) for v in (values, other)]
json.dump(
    {
        "metrics": reference.measure(y, scores, values, kind, thresholds),
        "intervals": reference.intervals(y, scores, values, kind, thresholds, request["draws"]),
        "best": reference.best_threshold(y, values),
        "delong": reference.delong(y, scores, other),
        "mcnemar": reference.mcnemar(*right),
    },
    sys.stdout,
)
