"""The figures of the paper, drawn from our tables, and how our models learnt."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.papers.li2019.figures.learning import learning_curves
from benchmarks.papers.li2019.figures.quantiles import figure_8, figure_9, figure_10, figure_11
from benchmarks.papers.li2019.figures.roc import figure_4, figure_5, figure_12, figure_13
from benchmarks.papers.li2019.figures.spectrogram import figure_7
from converter.report.document import Picture
from converter.report.results import Results

__all__ = ["FIGURES"]

#: Each writes its PNG to a folder, or says why it is left out.
FIGURES: tuple[Callable[[Results, Path], Picture | str], ...] = (
    figure_4,
    figure_5,
    figure_7,
    figure_8,
    figure_9,
    figure_10,
    figure_11,
    figure_12,
    figure_13,
    learning_curves,
)
