"""`NetworkClassifier`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from chainrule.data.targets import class_weights, read_target
from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators.base import NetworkEstimator
from chainrule.estimators.calibration import cooled, fit_temperature, no_temperature
from chainrule.estimators.class_targets import Labels, class_target, from_config, is_indicator
from chainrule.estimators.conformal import ConformalSets
from chainrule.estimators.opening import predicted_and_true
from chainrule.estimators.parameters import full_signature
from chainrule.estimators.spelling import refuse_unknown
from chainrule.estimators.splits import random_share, stratified_share
from chainrule.layers import Layer
from chainrule.ops.losses import Loss, loss

__all__ = ["NetworkClassifier"]


class NetworkClassifier(ClassifierMixin, ConformalSets, NetworkEstimator):
    """A neural network that learns classes from a table.

    With no arguments it is the preset "tabular": numbers and categories embedded, a network of
    three layers, an average of several networks (see `presets`). Who says what the network or its
    training is gets that and nothing besides: the preset "plain". Texts are categories, gaps are
    filled in and marked. A tenth of the rows, the same share of every class, chooses the epoch
    whose weights are kept.

    "tabular" trains three classes or more with labels smoothed by 0.05: the `history_` has that
    loss.

    Several columns of 0 and 1 are labels that may hold together (multilabel); other columns are
    labels of several kinds, learnt side by side by one network.

    Parameters
    ----------
    hidden : sequence of int, optional
        Widths of the hidden layers; (128, 128, 128) for "tabular", (64, 64) for "plain".
    preset : {"tabular", "plain"} or Preset, optional
        What is done where an argument is None. If no preset is named "tabular", and "plain" if
        one of hidden, network, activation, keep, optimizer and learning_rate is given.
    activation : str or ActivationFunction, optional
        Of the hidden layers. If None that of the preset: SELUs that each unit may straighten; or
        rectifiers, and tanh where a layer has fewer than 8 units.
    keep : float, optional
        Probability that dropout keeps a hidden unit; 1 is no dropout. If None 0.85 for "tabular",
        but 1 where all rows are one batch and for 2000 rows of numbers or more; 1 for "plain".
    network : sequence of Layer, optional
        Hidden layers of your own, instead of `hidden`, `activation` and `keep`; the output layer
        is added.
    optimizer : str, Optimizer or LBFGS, optional
        Adam for "plain". "tabular" has AdamW with a rate that goes up and down four times.
    learning_rate : float, optional
        The optimizer's own default if None.
    batch_size : int, optional
        32 for "plain", but up to 64 rows are one batch; 32 to 256 by the number of rows for
        "tabular".
    epochs : int, optional
        A maximum when `early_stopping` is on. If None, for "plain" 200, and more for a table so
        small that 200 epochs make fewer than 2000 updates; for "tabular" 256, fewer for large
        tables: some 3000 updates for 4000 rows, √n times as many for n times the rows.
    early_stopping : bool
        Hold out `validation_fraction` of the rows, stop after `patience` epochs without a better
        loss on them, keep the best weights. Fewer than 4 rows are not held out: they choose badly.
    validation_fraction : float
    patience : int, optional
        If None 20 for "plain"; "tabular" goes on to the end, where its learning rate is 0.
    time_limit : float, optional
        Seconds for the whole fit, all networks together.
    max_levels : int, optional
        Largest number of levels of a text column; if None 10,000 for "tabular", which makes
        vectors of them, and 256 for "plain", which makes columns.
    memory_limit : float
        Bytes; a table in files that would take more is streamed.
    callbacks : sequence of Callback
    warm_start : bool
        Whether another `fit` goes on from the weights there are. Encoding and classes stay those
        of the first.
    engine : {"compiled", "reference"} or Engine
    dtype : {"float32", "float64"}, optional
        Numbers of the network. If None float64 for a table so small that it costs no time, where a
        row of weight 2 then is the same as the row twice to rounding; float32 for others.
    threads : int, optional
        Cores that share a minibatch; chosen by its size if None, at most CHAINRULE_THREADS, a
        variable of the environment.
    random_state : int, RandomState or None
    verbose : bool
        Whether to show progress.
    members : int, optional
        Networks from different seeds on the same rows; their probabilities are averaged. If None
        1 for "plain", and with `callbacks` or `warm_start`; for "tabular" 4, 2 from 25,000 rows.
    cv : int, splitter or list of splits, optional
        A network for each fold, which holds its rows out: they choose the epoch, and get the
        predictions `out_of_fold_`. A number makes shuffled folds in which classes keep their
        shares. Since a fold also chooses the epoch, its score is a little too good; with
        ``early_stopping=False`` it is not.
    bag : int, optional
        So many networks, each on a bootstrap draw of the rows; the rows that are not drawn hold
        out as those of a fold do.
    refit : bool
        With cv or bag: predict by one network, trained on all rows for the mean best number of
        epochs of the others.
    n_jobs : int, optional
        Threads for several networks, one core each; every core if None, one inside a worker of
        joblib, as in ``GridSearchCV(…, n_jobs=2)``. What is learnt does not depend on it.
    class_weight : "balanced", mapping or None
        Weight of each row by its class, beside `sample_weight`: a mapping from labels to weights,
        others weigh 1, or "balanced", by which all classes count the same in total.
    calibrate : bool
        Whether to divide scores by a temperature, fitted on the rows held out, so that
        probabilities are as certain as they are right. No label changes by it.

    Attributes
    ----------
    network_ : Network
    encoder_ : TableEncoder
    history_ : History
    classes_ : ndarray of shape (n_classes,)
        For columns of 0 and 1 their numbers; for several columns of labels a list of arrays.
    members_ : list of Network
        Those whose predictions are averaged; `network_` is the first.
    out_of_fold_ : ndarray of shape (n, n_classes)
        With cv or bag: mean probabilities by the networks that did not see a row, NaN where all
        did.
    cv_scores_ : ndarray of shape (folds,)
        Accuracy of each network on its fold.
    oob_score_ : float
        With bag: accuracy of `out_of_fold_`.
    histories_ : list of History
        Of all networks, where there are several.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if X had names.
    temperature_ : float, or ndarray of shape (outputs,)
        By which scores are divided; one for each label or column of labels. 1 without `calibrate`,
        without held-out rows, and after `partial_fit` alone.

    Notes
    -----
    With scikit-learn 1.9 or newer `set_callbacks` takes its callbacks, such as `ProgressBar` and
    `ScoringMonitor`: they see each epoch, and each network where there are several. See
    `estimators.sklearn_callbacks`.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> cr.NetworkClassifier(random_state=0).fit(X, y).score(X, y) > 0.9
    True
    """

    def __init__(
        self,
        hidden: Sequence[int] | None = None,
        *,
        class_weight: str | Mapping[Any, float] | None = None,
        calibrate: bool = True,
        **arguments: Any,
    ) -> None:
        refuse_unknown(self, NetworkClassifier, arguments)
        super().__init__(hidden, **arguments)
        self.class_weight = class_weight
        self.calibrate = calibrate

    @property
    def classes_(self) -> Any:
        """Different labels of y, (n_classes,); a list of such for several columns of labels."""
        check_is_fitted(self, "target_")
        return self.target_.classes

    @property
    def _loss(self) -> str | Loss | dict[str, str]:
        name, share = self.target_.loss, self._choices.preset.label_smoothing
        if share and name == "cross_entropy" and len(self.classes_) > 2:
            return loss({"name": "smooth_cross_entropy", "smoothing": share})
        return name

    @property
    def _head(self) -> Layer:
        return self.target_.head

    @property
    def _kind(self) -> str:
        return "classifier"

    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None
    ) -> NetworkClassifier:
        """Learn once from one portion of the rows; the next call goes on from there.

        The first portion decides means, spreads and levels of the columns. After `fit` its network
        is what goes on. `epochs`, early stopping and callbacks do not concern it.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)
        y : array-like of shape (n,) or (n, outputs)
        classes : array-like of shape (n_classes,), optional
            All labels there will be: needed on the first call, but for columns of 0 and 1. A list
            of such for several columns of labels.
        sample_weight : array-like of shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        DataError
            If y has a label that is not among the classes.
        HyperparameterError
            If the optimizer needs all rows at once, or class_weight is "balanced".

        Examples
        --------
        >>> import chainrule as cr
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> model = cr.NetworkClassifier((8,), random_state=0)
        >>> for _ in range(200):
        ...     model = model.partial_fit(X, y, classes=[0, 1, 2])
        >>> model.score(X, y) > 0.9
        True
        """
        if self.class_weight == "balanced":
            raise HyperparameterError(
                "class_weight = 'balanced' is not possible in partial_fit, which does not see all "
                "rows: give the weights, {label: weight}."
            )
        if (
            classes is None
            and not hasattr(self, "network_")
            and not is_indicator(read_target(y)[0])
        ):
            raise DataError("classes must be passed on the first call to partial_fit.")
        return self._pass(X, y, sample_weight, classes)

    def _learn_targets(self, y: np.ndarray, classes: Any = None) -> None:
        self.target_ = class_target(y, self.target_name_, classes)

    def _weigh(self, y: np.ndarray, used: np.ndarray, weights: np.ndarray | None) -> Any:
        if self.class_weight is None:
            return weights
        if not isinstance(self.target_, Labels):
            raise HyperparameterError(
                "class_weight needs one label for each row, and y has several columns: give "
                "sample_weight instead."
            )
        by_class = np.zeros((len(y), 1))
        by_class[used, 0] = class_weights(self.class_weight, y[used], self.target_.values)
        return by_class if weights is None else weights * by_class

    def _scale_targets(self, y: np.ndarray, weights: np.ndarray | None) -> None:
        self.temperature_ = no_temperature(self.target_)

    def _after_training(
        self, scores: Callable[[], Any], y: Any, weights: np.ndarray | None, held_out: bool
    ) -> None:
        self.temperature_ = no_temperature(self.target_)
        if self.calibrate and held_out:
            self.temperature_ = fit_temperature(self.target_, scores(), y, weights)

    def _logits(self, X: Any) -> Any:
        scores = self._scores(X)
        return cooled(scores, self.temperature_)

    def _encode_targets(self, y: np.ndarray) -> Any:
        return self.target_.encode(y)

    def _held_out(self, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if y.ndim == 1:
            return stratified_share(y, self.validation_fraction, rng)
        return random_share(len(y), self.validation_fraction, rng)

    def predict_proba(self, X: Any) -> Any:
        """Probability of each class.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)

        Returns
        -------
        ndarray of shape (n, n_classes)
            Columns in the order of `classes_`. For columns of 0 and 1 the probability of each 1;
            for several columns of labels a list, one such matrix for each.
        """
        scores = self._logits(X)
        return self.target_.probabilities(scores)

    def decision_function(self, X: Any) -> Any:
        """Scores of the classes, logits: their softmax are the probabilities.

        They are divided by `temperature_`, as those of `predict_proba` are.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)

        Returns
        -------
        ndarray of shape (n, n_classes)
            For two classes (n,), the logarithm of the odds of the second; for columns of 0 and 1
            (n, outputs), that of each 1; for several columns of labels a list.
        """
        scores = self._logits(X)
        return self.target_.decision(scores)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns)

        Returns
        -------
        ndarray of shape (n,), or (n, outputs) if y had several columns
        """
        return self._decide(self._scores(X))  # a temperature changes no order

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of the rows of which every label is right.

        Parameters
        ----------
        X : data frame, array-like or sparse matrix of shape (n, columns), path or Stream
        y : array-like of shape (n,) or (n, outputs), or str
            Or the name of the target's column in X.
        sample_weight : array-like of shape (n,), optional
        """
        predicted, targets, weights = predicted_and_true(self.predict, X, y, sample_weight)
        return self._score(targets, predicted, weights)

    def _score(self, y: np.ndarray, predicted: np.ndarray, weights: Any) -> float:
        if predicted.ndim == 1:
            return float(accuracy_score(y, predicted, sample_weight=weights))
        return float(np.average((predicted == y).all(axis=1), weights=weights))

    def _output(self, scores: Any) -> Any:
        return self.target_.probabilities(scores)

    def _scores_of(self, output: Any) -> Any:
        return self.target_.scores(output)

    def _decide(self, scores: Any) -> np.ndarray:
        return self.target_.predict(scores)

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that a row may have several labels."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags

    def _config(self) -> dict[str, Any]:
        kept = {"temperature": np.asarray(self.temperature_).tolist()}
        return self.target_.config() | kept | self._conformal_config()

    def _restore(self, targets: Mapping[str, Any]) -> None:
        self.target_ = from_config(targets)
        kept = targets.get("temperature", no_temperature(self.target_))
        self.temperature_ = np.array(kept) if np.ndim(kept) else kept
        self._restore_conformal(targets)


NetworkClassifier.__init__.__signature__ = full_signature(  # type: ignore[attr-defined]
    NetworkEstimator, NetworkClassifier
)
