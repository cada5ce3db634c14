"""The Kaggle re-pack carlolepelaars/camvid, read as `camvid_authors12`: other splits, 701 frames in all."""

from hyperseg.datasets.published.camvid_authors12 import DATASET as CAMVID_AUTHORS12

DATASET = CAMVID_AUTHORS12.model_copy(
    update={
        "id": "camvid_authors12_kaggle",
        "title": f"{CAMVID_AUTHORS12.title}, Kaggle re-pack",
        "short_title": f"{CAMVID_AUTHORS12.short_title} (Kaggle splits)",
        "homepage": "https://www.kaggle.com/datasets/carlolepelaars/camvid",
        "splits": ({"train": 369, "val": 100, "test": 232},),
        "archives": (),  # a zip of any name, for which Kaggle asks for an account
        "downloads": None,
    }
)
