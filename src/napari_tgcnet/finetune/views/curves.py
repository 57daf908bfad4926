"""Curves of the loss and the held-out Dice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import QEvent
from qtpy.QtGui import QColor, QPalette, QWheelEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.progress import Progress

_HEIGHT_PX, _LEGEND_PX = 330, 24
_DECAY = 0.9
"""Weight of the smoothed loss so far at each step; the rest is the new loss."""

# (on a dark background, on a light one); distinguishable with any colour vision.
_FIRST = (QColor(86, 180, 233), QColor(0, 90, 150))
_SECOND = (QColor(240, 180, 40), QColor(190, 90, 0))
_RAW_ALPHA = 110


class Curves(QWidget):
    """Two plots over the steps, without mouse interaction."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plots = _Plots()
        self.plots.setFixedHeight(_HEIGHT_PX)
        self.loss = _build_plot(self.plots, 1)
        self.dice = _build_plot(self.plots, 3)
        self.dice.setXLink(self.loss)
        self.dice.setLabel("bottom", messages.STEP)
        self.raw, self.smooth = self.loss.plot(), self.loss.plot()
        self.pooled, self.mean = self.dice.plot(), self.dice.plot()
        # Above the plots: on them they would hide a curve.
        losses = ((self.raw, messages.LOSS_RAW), (self.smooth, messages.LOSS_SMOOTH))
        scores = ((self.pooled, messages.DICE_POOLED), (self.mean, messages.DICE_MEAN))
        self.legends = (
            _build_legend(self.plots, 0, losses),
            _build_legend(self.plots, 2, scores),
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plots)
        self._shown = Progress()
        self._use_palette()

    def show_progress(self, progress: Progress) -> None:
        if progress.losses != self._shown.losses:
            steps = np.array([step for step, _ in progress.losses], dtype=float)
            losses = np.array([loss for _, loss in progress.losses], dtype=float)
            self.raw.setData(steps, losses)
            self.smooth.setData(steps, smoothed(losses))
        if progress.scores != self._shown.scores:
            steps = np.array([score.step for score in progress.scores], dtype=float)
            self.pooled.setData(steps, np.array([s.dice_pooled for s in progress.scores]))
            self.mean.setData(steps, np.array([s.dice_mean for s in progress.scores]))
        last = max((step for step, _ in progress.losses), default=0)
        self.loss.setXRange(0, max(1, last))  # from the parent model's score at step 0
        self._shown = progress

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow the theme."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._use_palette()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Before it is shown, the palette lacks the window's style sheet."""
        super().showEvent(event)
        self._use_palette()

    def _use_palette(self) -> None:
        ground = self.palette().color(QPalette.ColorRole.Window)
        text = self.palette().color(QPalette.ColorRole.WindowText)
        index = 0 if ground.lightnessF() < 0.5 else 1
        first, second = _FIRST[index], _SECOND[index]
        faint = QColor(text)
        faint.setAlpha(_RAW_ALPHA)
        self.plots.setBackground(ground)
        for plot in (self.loss, self.dice):
            for side in ("left", "bottom"):
                plot.getAxis(side).setPen(text)
                plot.getAxis(side).setTextPen(text)
            plot.getAxis("left").setLabel(color=text.name())
        for legend in self.legends:
            for _, label in legend.items:
                label.setText(label.text, color=text.name())
        self.raw.setPen(pg.mkPen(faint, width=1))
        self.smooth.setPen(pg.mkPen(first, width=2))
        for curve, colour, symbol in ((self.pooled, first, "o"), (self.mean, second, "t")):
            curve.setPen(pg.mkPen(colour, width=2))
            curve.setSymbol(symbol)
            curve.setSymbolSize(6)
            curve.setSymbolPen(pg.mkPen(colour))
            curve.setSymbolBrush(pg.mkBrush(colour))


class _Plots(pg.GraphicsLayoutWidget):  # type: ignore[misc]  # it has no types
    """Passes wheel events on to the panel, which scrolls."""

    def __init__(self) -> None:
        super().__init__(show=False)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        event.ignore()


def _build_plot(plots: _Plots, row: int) -> Any:
    plot = plots.addPlot(row=row, col=0)
    plot.setMouseEnabled(x=False, y=False)
    plot.setMenuEnabled(False)
    plot.hideButtons()
    plot.getAxis("left").enableAutoSIPrefix(False)
    plot.getAxis("bottom").enableAutoSIPrefix(False)
    plot.getAxis("left").setWidth(36)  # the same for both plots, so that their steps are aligned
    return plot


def _build_legend(plots: _Plots, row: int, curves: Sequence[tuple[Any, str]]) -> Any:
    legend = pg.LegendItem(colCount=len(curves))
    for curve, name in curves:
        legend.addItem(curve, name)
    plots.addItem(legend, row=row, col=0)
    legend.setMaximumHeight(_LEGEND_PX)
    return legend


def smoothed(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Exponential moving average, with bias correction: it begins at the first value, not at 0."""
    smooth = np.empty(len(values))
    mean = weight = 0.0
    for index, value in enumerate(values):
        mean = _DECAY * mean + (1 - _DECAY) * float(value)
        weight = _DECAY * weight + (1 - _DECAY)
        smooth[index] = mean / weight
    return smooth
