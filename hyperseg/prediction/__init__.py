"""Prediction on pictures, videos and cameras: from any frame to its classes, as pictures and areas."""

from pathlib import Path

# camvid_hyperseg_s on tf_efficientnet_lite1 in float16, trained on CamVid 480x360: results/reference/pretrained.
PRETRAINED = Path(__file__).parent / "pretrained" / "camvid_hyperseg_s.safetensors"
# The input (height, width) of the campaign that trained them: better than the network's own, and faster.
PRETRAINED_INPUT = (384, 512)
