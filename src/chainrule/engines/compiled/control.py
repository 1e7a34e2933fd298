"""The layout of what the machine reads: one block of control words, and rows of a program.

A row of the program is one instruction: the kernel's address, then the pointers, whole numbers and
float64 numbers that the kernel gets as `ops`, `dims` and `attrs`.
"""

from __future__ import annotations

# Control words, int64 each.
START = 0  # first row of this minibatch, counted in the epoch's order
STEP = 1  # updates done
BATCH = 2  # rows of a full minibatch
ROWS = 3  # rows of an epoch
SEED = 4  # start of the random numbers
FULL = 5  # address of the program for a full minibatch
LAST = 6  # address of the program for the shorter last minibatch
INSTRUCTIONS = 7  # rows of a program
UPDATES = 8  # the first of these that is an update
WANTED = 9  # minibatches asked for
DONE = 10  # minibatches completed in this call
FAILED = 11  # 1 when the loss was not finite
TOTALS = 12  # address of the sums of loss, weight and metric
ORDER = 13  # address of this epoch's order of the rows
BASE = 14  # address of the rows before shuffling
KEY = 15  # key of this epoch's order
RATES = 16  # address of the factors of the learning rate, one for each minibatch
STRENGTHS = 17  # address of the factors of weight decay and dropout, one for each minibatch
WORDS = 18

# A row of a program: int64 places, the last ones holding the bits of float64 numbers.
OPS, DIMS, ATTRS = 1, 9, 18
ROW_WORDS = 26
ROW_BYTES = 8 * ROW_WORDS
