"""The layout of what the machine reads: control words, rows of a program, mailboxes, epochs.

Each core that takes part has a block and programs of its own. A row of a program is one
instruction: the kernel's address, then the pointers, whole numbers and float64 numbers that the
kernel gets as `ops`, `dims` and `attrs`; or a small number in place of the address.
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
WANTED = 7  # minibatches asked for
DONE = 8  # minibatches completed in this call
FAILED = 9  # 1 when the loss was not finite
TOTALS = 10  # address of the sums of loss, weight, metric and penalty of the first core
ORDER = 11  # address of this epoch's order of the rows
BASE = 12  # address of the rows before shuffling
KEY = 13  # key of this epoch's order
RATES = 14  # address of the factors of the learning rate, one for each minibatch
STRENGTHS = 15  # address of the factors of weight decay and dropout, one for each minibatch
CORES = 16  # how many take part
ARRIVED = 17  # address of how often a core has come to a barrier, counted over all cores
CROSSED = 18  # what that number was when this core left its last barrier
YIELD = 19  # address of the system's function that lets another thread run
FINISHED = 20  # 1 when this core has left
PARTS = 21  # how many parts a minibatch has, with sums of their own; CORES or one core does them
WORDS = 24  # whole cache lines

# Instead of a kernel's address.
END = 0  # of a program
BARRIER = 1  # wait for the other cores
CHECK = 2  # leave unless the loss is finite

# A row of a program: int64 places, the last ones holding the bits of float64 numbers.
OPS, DIMS, ATTRS = 1, 9, 18
ROW_WORDS = 26
ROW_BYTES = 8 * ROW_WORDS

# Multiply-adds of the largest product that is not left to BLAS: both the kernels and who prepares
# BLAS for them must know, and the latter does not load the compiler.
LARGEST_PRODUCT = 1 << 26

SUMS = 8  # float64 places of a core's totals: a cache line

# A helper's mailbox, int64 each, in cache lines of their own.
STATE = 0  # one of the two below, or the address of the control words it is to run, with the
# number of the run in the lowest bits
COUNTER = 8  # what ARRIVED points to, for the cores that this helper is the second of
OFFER = 16  # address of control words that it is to be given
AWAKE = 17  # 1 if it was awake when they were given
MAILBOX = 24

# What several epochs in a row need, int64 each: all addresses but the counts.
EPOCHS = 0  # how many are asked for
MADE = 1  # how many are complete
TRAINING = 2  # control words of the session that trains
HELD_OUT = 3  # and of the one that validates after each epoch, 0 if none does
MACHINE, SHUFFLE = 4, 5  # the functions
KEYS = 6  # of each epoch's order, 0 if it is always the same
FIRST_RATES, FIRST_STRENGTHS = 7, 8  # factors of all epochs one after another
MINIBATCHES = 9  # of an epoch
RESULTS = 10  # for each epoch the sums of training and of validation
COPIES = 11  # for each parameter to copy: where it is, where it goes, how many int32 it takes
COPIED = 12  # how many these are
SERIES = 16

ASLEEP = 0
LINGERS = 1  # awake and waiting, for a short while
