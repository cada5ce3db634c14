"""Pictures of predictions: image, label and prediction side by side, with a legend of the classes."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hyperseg.data.overlay import overlay
from hyperseg.data.prepared import ClassInfo

GAP = 6
LEGEND_ROW = 20
OPACITY = 0.65  # share of the class colour over the image
BACKGROUND = (255, 255, 255)
NO_CLASS = (0, 0, 0)


def comparison(image: np.ndarray, label: np.ndarray, prediction: np.ndarray, classes: list[ClassInfo]) -> Image.Image:
    """A picture of image uint8 (H, W, 3), label and prediction (H, W), and a legend of `classes`.

    Pixels of no class are black.
    """
    panels = [image]
    panels += [overlay(image, indices, classes, opacity=OPACITY, other=NO_CLASS) for indices in (label, prediction)]
    titles = ["image", "label", "prediction"]
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
