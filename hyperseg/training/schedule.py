"""The learning rate of the released recipes. Source: the paper's section 4, and its training configurations."""

from hyperseg.training.recipe import Recipe


def learning_rate(recipe: Recipe, step: int) -> float:
    """The learning rate of an optimizer step, counted from 0; it falls by the step or by the epoch."""
    if recipe.decay_unit == "epoch":
        return recipe.learning_rate * polynomial(step // recipe.steps_per_epoch, recipe.epochs, recipe.decay_power)
    return recipe.learning_rate * polynomial(step, recipe.steps, recipe.decay_power)


def polynomial(t: int, total: int, power: float) -> float:
    """Factor (1 - t / total) ** power on the base learning rate after `t` of `total` steps or epochs."""
    return max(0.0, 1.0 - t / total) ** power
