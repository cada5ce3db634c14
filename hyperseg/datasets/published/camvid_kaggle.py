"""The Kaggle re-pack carlolepelaars/camvid, read as `camvid`: other splits, 701 frames in all."""

from hyperseg.datasets.published.camvid import DATASET as CAMVID

DATASET = CAMVID.model_copy(
    update={
        "id": "camvid_kaggle",
        "title": f"{CAMVID.title}, Kaggle re-pack",
        "short_title": f"{CAMVID.short_title} (Kaggle splits)",
        "homepage": "https://www.kaggle.com/datasets/carlolepelaars/camvid",
        "splits": ({"train": 369, "val": 100, "test": 232},),
        "archives": (),  # a zip of any name, for which Kaggle asks for an account
        "downloads": None,
    }
)
