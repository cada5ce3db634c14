"""Prediction on pictures, videos and cameras: from any frame to its classes, as pictures and areas."""

from pathlib import Path

# Weights that come with the package: camvid_hyperseg_s on tf_efficientnet_lite1, trained on real CamVid, float16.
PRETRAINED = Path(__file__).parent / "pretrained" / "camvid_hyperseg_s.safetensors"
