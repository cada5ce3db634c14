"""Training: recipe, loss, schedule, loop."""
