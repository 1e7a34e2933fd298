"""Metrics of one fit, and the error that the primary one leaves."""

from __future__ import annotations

import numpy as np

__all__ = ["METRICS", "class_scores", "error", "number_scores"]

METRICS = {
    "auc": "ROC AUC",
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "rmse": "RMSE",
    "mae": "MAE",
    "r2": "R²",
}


def error(metric: str, value: float) -> float:
    """What is missing to perfection: 1 − AUC, 1 − accuracy, or the RMSE itself."""
    return value if metric == "rmse" else 1 - value


def class_scores(
    y: np.ndarray, p: np.ndarray, learnt: np.ndarray, classes: np.ndarray
) -> dict[str, float]:
    """Scores of probabilities, (n, classes that were learnt).

    `classes` are all there are, sorted, (c,); one that was not learnt has probability 0.
    """
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    p, given = np.zeros((len(y), len(classes)), dtype=p.dtype), p
    p[:, np.searchsorted(classes, learnt)] = given
    guess = classes[p.argmax(axis=1)]
    scores = {"accuracy": accuracy_score(y, guess), "log_loss": log_loss(y, p, labels=classes)}
    if len(classes) == 2:
        scores["auc"] = roc_auc_score(y == classes[1], p[:, 1])
    return {name: float(value) for name, value in scores.items()}


def number_scores(y: np.ndarray, guess: np.ndarray) -> dict[str, float]:
    """Scores of predicted numbers, (n,)."""
    from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

    scores = {
        "rmse": root_mean_squared_error(y, guess),
        "mae": mean_absolute_error(y, guess),
        "r2": r2_score(y, guess),
    }
    return {name: float(value) for name, value in scores.items()}
