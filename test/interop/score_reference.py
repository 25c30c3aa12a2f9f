"""The metrics of score in NumPy and scikit-learn, the bootstrap over given draws, and DeLong by all pairs."""

import warnings

import numpy as np
from scipy import stats
from sklearn import metrics


def number(value):
    return None if value is None or np.isnan(value) else float(value)


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def ece(y, p, weights):
    """Bins [k/15, (k+1)/15), the last one closed."""
    edges = np.arange(16) / 15
    which = np.minimum(np.searchsorted(edges, p, side="right") - 1, 14)
    total = 0.0
    for k in range(15):
        inside = which == k
        if weights[inside].sum() > 0:
            total += abs((weights[inside] * (p[inside] - y[inside])).sum())
    return total / weights.sum()


def measure(y, scores, values, kind, thresholds, weights=None):
    """All metrics by name; None where one is undefined."""
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    keep = w > 0
    y, scores, values, w = y[keep], scores[keep], values[keep], w[keep]
    both = len(np.unique(y)) == 2
    out = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if kind != "decision":
            out["auc"] = metrics.roc_auc_score(y, scores, sample_weight=w) if both else None
            out["averagePrecision"] = metrics.average_precision_score(y, scores, sample_weight=w) if both else None
        if kind in ("probability", "logit"):
            out["nll"] = metrics.log_loss(y, values, labels=[0, 1], sample_weight=w)
            out["brier"] = metrics.brier_score_loss(y, values, pos_label=1, sample_weight=w)
            out["ece"] = ece(y, values, w)
        for name, threshold in thresholds:
            d = (values >= threshold).astype(int)
            positive, negative = (w * y).sum() > 0, (w * (1 - y)).sum() > 0
            out[name + ".accuracy"] = metrics.accuracy_score(y, d, sample_weight=w)
            out[name + ".balancedAccuracy"] = metrics.balanced_accuracy_score(y, d, sample_weight=w) if both else None
            out[name + ".sensitivity"] = metrics.recall_score(y, d, sample_weight=w) if positive else None
            out[name + ".specificity"] = metrics.recall_score(y, d, pos_label=0, sample_weight=w) if negative else None
            out[name + ".precision"] = metrics.precision_score(y, d, zero_division=0, sample_weight=w)
            out[name + ".f1"] = metrics.f1_score(y, d, zero_division=0, sample_weight=w)
    return {name: number(value) for name, value in out.items()}


def intervals(y, scores, values, kind, thresholds, draws):
    """Percentiles over resamples, given how often each has each patch; more than 5 % undefined: None."""
    rows = [measure(y, scores, values, kind, thresholds, weights) for weights in draws]
    out = {}
    for name in rows[0]:
        defined = [row[name] for row in rows if row[name] is not None]
        enough = len(defined) > 0 and len(defined) >= 0.95 * len(rows)
        out[name] = [float(end) for end in np.percentile(defined, [2.5, 97.5])] if enough else None
    return out


def delong(y, a, b):
    """By all pairs of a positive and a negative: the structural components of DeLong, DeLong and Clarke-Pearson, 1988."""
    def components(scores):
        pairs = np.sign(scores[y == 1][:, None] - scores[y == 0][None, :]) / 2 + 0.5
        return pairs.mean(), pairs.mean(axis=1), pairs.mean(axis=0)
    auc_a, pos_a, neg_a = components(a)
    auc_b, pos_b, neg_b = components(b)
    if min(len(pos_a), len(neg_a)) < 2:
        return {"z": None, "p": 1.0}
    variance = np.var(pos_a - pos_b, ddof=1) / len(pos_a) + np.var(neg_a - neg_b, ddof=1) / len(neg_a)
    if variance <= 1e-30:
        return {"z": None, "p": 1.0}
    z = (auc_a - auc_b) / np.sqrt(variance)
    return {"z": float(z), "p": float(2 * stats.norm.sf(abs(z)))}


def mcnemar(right_a, right_b):
    b, c = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
    return {"b": b, "c": c, "p": float(stats.binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0}


def best_threshold(y, values):
    """Best accuracy; of equals the nearest to 0.5, then the smaller."""
    candidates = sorted(set(values.tolist()) | {0.5})
    right = [int(((values >= t) == (y == 1)).sum()) for t in candidates]
    best = [t for t, n in zip(candidates, right) if n == max(right)]
    return min(best, key=lambda t: (abs(t - 0.5), t))
