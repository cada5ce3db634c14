"""The Kaggle re-pack carlolepelaars/camvid, read as `camvid`: other splits, 701 frames in all."""

from hyperseg.datasets.published.camvid import DATASET as CAMVID
from hyperseg.datasets.published.published import Published


def repacked(dataset: Published) -> Published:
    """A reading of CamVid with the re-pack's splits."""
    return dataset.model_copy(
        update={
            "id": f"{dataset.id}_kaggle",
            "title": f"{dataset.title}, Kaggle re-pack",
            "short_title": f"{dataset.short_title} (Kaggle splits)",
            "homepage": "https://www.kaggle.com/datasets/carlolepelaars/camvid",
            "splits": ({"train": 369, "val": 100, "test": 232},),
            "archives": (),  # a zip of any name, for which Kaggle asks for an account
            "downloads": None,
        }
    )


DATASET = repacked(CAMVID)
