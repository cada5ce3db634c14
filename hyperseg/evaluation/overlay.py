"""Pictures of predictions: image, label, prediction and errors side by side, with a legend of the classes."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hyperseg.data.description import ClassInfo
from hyperseg.data.overlay import overlay

GAP = 6
LEGEND_ROW = 20
OPACITY = 0.65  # share of the class colour over the image
BACKGROUND = (255, 255, 255)
NO_CLASS = (0, 0, 0)
WRONG = (213, 40, 40)


def comparison(
    image: np.ndarray, label: np.ndarray, prediction: np.ndarray, classes: list[ClassInfo], note: str = ""
) -> Image.Image:
    """A picture of image uint8 (H, W, 3), label and prediction (H, W), errors, and a legend of `classes`.

    Pixels of no class are black; wrong ones are red in the fourth panel. `note` stands above it.
    """
    panels = [image]
    panels += [overlay(image, indices, classes, opacity=OPACITY, other=NO_CLASS) for indices in (label, prediction)]
    panels.append(_errors(image, label, prediction, len(classes)))
    titles = ["image", "label", "prediction", f"errors, {note}" if note else "errors"]
    height, width = label.shape
    total = len(panels) * width + (len(panels) - 1) * GAP
    font = ImageFont.load_default(13)
    cell = max(int(font.getlength(entry.name)) for entry in classes) + 28
    per_row = max(1, total // cell)
    rows = -(-len(classes) // per_row)
    canvas = Image.new("RGB", (total, LEGEND_ROW + height + GAP + rows * LEGEND_ROW), BACKGROUND)
    pen = ImageDraw.Draw(canvas)
    for i, (panel, title) in enumerate(zip(panels, titles, strict=True)):
        pen.text((i * (width + GAP) + 2, 2), title, fill=(0, 0, 0), font=font)
        canvas.paste(Image.fromarray(panel), (i * (width + GAP), LEGEND_ROW))
    for i, entry in enumerate(classes):
        x, y = (i % per_row) * cell, LEGEND_ROW + height + GAP + (i // per_row) * LEGEND_ROW
        pen.rectangle((x + 2, y + 3, x + 16, y + 15), fill=entry.colour, outline=(90, 90, 90))
        pen.text((x + 21, y + 2), entry.name, fill=(0, 0, 0), font=font)
    return canvas


def _errors(image: np.ndarray, label: np.ndarray, prediction: np.ndarray, classes: int) -> np.ndarray:
    """The image in faint grey, wrong pixels red, pixels of no class black."""
    grey = (128 + image.mean(-1, keepdims=True) / 2).astype(np.uint8)
    shown: np.ndarray = np.repeat(grey, 3, axis=-1)
    shown[label != prediction] = WRONG
    shown[label >= classes] = NO_CLASS
    return shown
