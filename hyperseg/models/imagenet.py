"""Mean and deviation of ImageNet's colours, with which inputs are normalized. Imports no torch."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # red, green, blue, of values in 0..1
IMAGENET_STD = (0.229, 0.224, 0.225)
