"""Scores in scikit-learn and NumPy what `pcam score` scored, for score.test.ts: check_score.py REQUESTS.

REQUESTS is a JSON list, each with labels, scores, kind, thresholds by name, and how often each resample has each patch.
Prints for each the metrics, their intervals over those resamples, and DeLong's test against the scores of `other`.
"""

import json
import sys

import numpy as np

import score_reference as reference


def check(request):
    y = np.array(request["labels"])
    scores = np.array(request["scores"], dtype=float)
    kind = request["kind"]
    values = reference.sigmoid(scores) if kind == "logit" else scores
    thresholds = list(request["thresholds"].items())
    return {
        "metrics": reference.measure(y, scores, values, kind, thresholds),
        "intervals": reference.intervals(y, scores, values, kind, thresholds, request["draws"]),
        "delong": reference.delong(y, scores, np.array(request["other"], dtype=float)),
    }


with open(sys.argv[1]) as file:
    json.dump([check(request) for request in json.load(file)], sys.stdout)
