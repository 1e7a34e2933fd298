"""The sections of a report, one a file: each turns `Evidence` into HTML, or None."""

from chainrule.plots.reporting.sections import (
    classes,
    data,
    doctor,
    importance,
    learning,
    network,
    numbers,
    reproduce,
    scores,
    worst,
)

__all__ = ["SECTIONS"]

SECTIONS = (
    ("scores", "Scores", scores.section),
    ("data", "Data", data.section),
    ("network", "Network", network.section),
    ("learning", "Learning", learning.section),
    ("classes", "Classes", classes.section),
    ("errors", "Errors", numbers.section),
    ("importance", "Importance of the columns", importance.section),
    ("worst", "Worst predictions", worst.section),
    ("doctor", "Findings", doctor.section),
    ("reproduce", "How to reproduce this", reproduce.section),
)
