"""The learning rate of the released recipes."""


def polynomial(t: int, total: int, power: float) -> float:
    """Factor (1 - t / total) ** power on the base learning rate after `t` of `total` steps or epochs."""
    return max(0.0, 1.0 - t / total) ** power
