"""The five released recipes, a campaign's changes to them, and the learning rate they ask for."""

import pytest

from hyperseg.errors import UserError
from hyperseg.models.variants import VARIANTS
from hyperseg.training.recipe import for_dataset, load_recipe
from hyperseg.training.schedule import learning_rate, polynomial

# variant: images an epoch, epochs, batch, rate, power, unit, loss, scales, jitter, rotation, crop, split
RELEASED = {
    "cityscapes_hyperseg_m": (4000, 360, 16, 1e-3, 0.9, "step", "bootstrapped_cross_entropy", (0.25, 2.0), 0, 0),
    "cityscapes_hyperseg_s": (4000, 360, 16, 1e-3, 0.9, "step", "bootstrapped_cross_entropy", (0.375, 1.5), 0.25, 0),
    "camvid_hyperseg_s": (2000, 120, 2, 1e-3, 2, "step", "bootstrapped_cross_entropy", (0.5, 2.0), 0, 0),
    "camvid_hyperseg_l": (2000, 120, 16, 1e-3, 2, "step", "bootstrapped_cross_entropy", (0.75, 2.0), 0, 0),
    "voc_hyperseg_l": (20000, 160, 32, 1e-4, 3, "epoch", "cross_entropy", (0.25, 0.9), 0.5, 30),
}


@pytest.mark.parametrize("variant", RELEASED)
def test_released_values(variant: str) -> None:
    r = load_recipe(variant)
    values = (
        r.images_per_epoch, r.epochs, r.batch, r.learning_rate, r.decay_power, r.decay_unit, r.loss, r.scale_range,
        r.colour_jitter, r.rotation_degrees,
    )  # fmt: skip
    assert r.id == variant
    assert values == RELEASED[variant]
    assert (r.betas, r.bootstrap_k, r.bootstrap_threshold) == ((0.5, 0.999), 4096, 0.3)
    assert (r.scale_probability, r.flip_probability, r.stochastic_depth) == (0.5, 0.5, 0.2)
    assert r.pretrained_backbone
    assert r.slices == "released"
    assert r.precision == "float32"
    if variant == "voc_hyperseg_l":
        assert (r.crop_hw, r.pad_hw) == (None, (512, 512))
    else:
        assert r.crop_hw == VARIANTS[variant].train_hw
    assert r.train_split == {"cam": "train+val", "cit": "train", "voc": "train_aug"}[variant[:3]]
    assert r.void == ("class" if variant.startswith("camvid") else "ignore")


def test_changes_are_put_over_the_released_values() -> None:
    recipe = load_recipe("camvid_hyperseg_s", {"epochs": 3, "crop_hw": [256, 320], "backbone": "tf_efficientnet_lite1"})
    assert (recipe.epochs, recipe.crop_hw, recipe.backbone) == (3, (256, 320), "tf_efficientnet_lite1")
    assert (recipe.batch, recipe.steps) == (2, 3000)
    assert load_recipe("camvid_hyperseg_s").epochs == 120


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": 3}, r"unknown key training\.epoch in the configuration; choose one of epochs, "),
        ({"epochs": 0}, r"training\.epochs in the configuration does not fit"),
        ({"batch": 4000}, r"images_per_epoch \(2000\) is smaller than batch \(4000\)"),
        ({"scale_range": [2.0, 0.5]}, "scale_range must be two positive numbers"),
        ({"precision": "float64"}, r"training\.precision"),
        ({"accumulate": 4}, r"batch \(2\) cannot be cut into 4 equal parts"),
        ({"crop_hw": None}, "one of crop_hw and pad_hw is needed"),
        ({"selection_split": None}, "needs a selection_split"),
        ({"version": 2}, r"training\.version cannot be set"),
        ({"betas": [0.5, 1]}, r"training\.betas\.1 in the configuration does not fit: it must be below 1"),
        ({"betas": [-1, 0.9]}, r"training\.betas\.0"),
        ({"learning_rate": 10.0}, r"training\.learning_rate .* at most 1"),
        ({"backbone": ""}, r"training\.backbone"),
        ({"threads": 5000}, r"training\.threads .* at most 1024"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load_recipe("camvid_hyperseg_s", changes)


def test_unknown_variant_is_named() -> None:
    with pytest.raises(UserError, match="unknown variant 'unett'"):
        load_recipe("unett")


def test_polynomial_decay() -> None:
    assert polynomial(0, 10, 0.9) == 1
    assert polynomial(10, 10, 2) == 0
    assert polynomial(5, 10, 2) == 0.25
    # the published schedule's rates after each of four steps, base 1e-4, power 0.9 over 10 steps
    assert [1e-4 * polynomial(t, 10, 0.9) for t in (1, 2)] == pytest.approx([9.0953e-05, 8.1805e-05], rel=1e-4)


def test_a_dataset_of_ones_own_is_neither_trained_on_val_nor_chosen_on_test() -> None:
    released = load_recipe("camvid_hyperseg_s")
    recipe, notes = for_dataset(released, [], "mine", ["train", "val", "test"])
    assert (recipe.train_split, recipe.selection, recipe.selection_split) == ("train", "best", "val")
    assert notes[0].startswith(
        "camvid_hyperseg_s was not published on mine: trained on train, the epoch that is best on v"
    )
    recipe, _ = for_dataset(released, [], "mine", ["train", "test"])
    assert (recipe.train_split, recipe.selection) == ("train", "last")
    with pytest.raises(UserError, match="selection 'best' needs a selection_split"):
        for_dataset(released, ["selection"], "mine", ["train", "test"])
    joined = load_recipe("camvid_hyperseg_s", {"train_split": "train+val"})
    recipe, _ = for_dataset(joined, ["train_split"], "mine", ["train", "val", "test"])
    assert (recipe.train_split, recipe.selection) == ("train+val", "last")


def test_the_published_dataset_keeps_the_released_choice_and_says_so() -> None:
    recipe, notes = for_dataset(load_recipe("camvid_hyperseg_s"), [], "camvid", ["train", "val", "test"])
    assert (recipe.train_split, recipe.selection_split) == ("train+val", "test")
    assert notes == [
        "the epoch is chosen by its score on test: this training's score on that split is not that of unseen images"
    ]
    on_train = load_recipe("camvid_hyperseg_s", {"selection_split": "val"})
    with pytest.raises(UserError, match=r"selection_split val holds val, which is trained on"):
        for_dataset(on_train, ["selection_split"], "camvid", ["train", "val", "test"])


@pytest.mark.parametrize("factor", [0.01, 0.1, 0.5, 3])
@pytest.mark.parametrize("variant", RELEASED)
def test_a_scaled_schedule_keeps_its_curve(variant: str, factor: float) -> None:
    whole = load_recipe(variant)
    scaled = whole.scaled(factor)
    assert scaled.steps == pytest.approx(factor * whole.steps, abs=whole.epochs, rel=0.02)
    for share in (0, 0.3, 0.9):
        rates = [learning_rate(recipe, int(share * recipe.steps)) for recipe in (whole, scaled)]
        assert rates[1] == pytest.approx(rates[0], abs=0.03 * whole.learning_rate)


@pytest.mark.parametrize("factor", [0, -1, float("nan"), float("inf")])
def test_a_scale_that_is_no_share_of_a_schedule(factor: float) -> None:
    with pytest.raises(UserError, match=r"--scale is .*; give a number above 0"):
        load_recipe("camvid_hyperseg_s").scaled(factor)
