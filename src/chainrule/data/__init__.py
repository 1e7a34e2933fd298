"""Data: checks of matrices, tables with categories and missing values, files, a small real set."""
