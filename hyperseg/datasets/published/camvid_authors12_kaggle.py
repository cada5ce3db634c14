"""The Kaggle re-pack carlolepelaars/camvid, read as `camvid_authors12`: other splits, 701 frames in all."""

from hyperseg.datasets.published.camvid_authors12 import DATASET as CAMVID_AUTHORS12
from hyperseg.datasets.published.camvid_kaggle import repacked

DATASET = repacked(CAMVID_AUTHORS12)
