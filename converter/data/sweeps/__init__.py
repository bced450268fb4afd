"""Sweeps on disk: files of several origins as tables, data sets of them, and their segments."""
