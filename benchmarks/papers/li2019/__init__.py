"""Li et al. 2019, *Scaling deep learning models for spectrum anomaly detection*, measured again.

Claims with verdicts, tables and figures of the paper, from a folder that ``edgespec-converter
evaluate`` has filled.
"""
