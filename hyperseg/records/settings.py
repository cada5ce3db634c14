"""Groups of settings in a recorded recipe: those that name it, and those that define the training. Imports nothing."""

FIXED = ("id", "version", "title", "source", "datasets")  # what names the released recipe
# Settings that do not say what is trained: with others, an interrupted training still goes on from its checkpoint.
# (The number of threads changes rounding; a checkpoint keeps it with the packages' versions.)
WITHOUT_EFFECT = frozenset({
    "version", "title", "source", "datasets", "threads", "workers", "pixel_cache", "checkpoint_every_steps",
    "checkpoint_every_s", "gradient_bound", "constant_prediction_steps", "cuda_graph",
})  # fmt: skip
BEYOND_RELEASED = ("label_smoothing", "rare_class_temperature", "ema_decay")  # off in every released recipe
