"""Training recipes: the five released ones as data files, and a campaign's changes to them. Imports no torch."""

from collections.abc import Collection, Sequence
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import Field, PositiveInt, ValidationError, model_validator

from hyperseg.errors import UserError
from hyperseg.networks import get_network, recipe_of
from hyperseg.processors import MAX_THREADS
from hyperseg.records.settings import FIXED, WITHOUT_EFFECT
from hyperseg.strict import HandWritten, first_problem
from hyperseg.yaml_file import parse_yaml

SizeHW = tuple[PositiveInt, PositiveInt]
Beta = Annotated[float, Field(ge=0, lt=1)]


class Recipe(HandWritten):
    """How one variant is trained. An epoch is `images_per_epoch` images drawn with replacement.

    The optimizer is Adam; images are normalized with ImageNet's mean and standard deviation.
    """

    id: str
    version: int = Field(ge=1)
    title: str
    source: str
    datasets: tuple[str, ...] = Field(description="ids of the dataset it was published on, in all its forms")
    epochs: PositiveInt
    images_per_epoch: PositiveInt
    batch: PositiveInt = Field(description="images of one optimizer step")
    accumulate: PositiveInt = Field(default=1, description="equal parts a batch is run in, one after the other")
    learning_rate: float = Field(gt=0, le=1, description="Adam moves a weight by about so much in a step")
    betas: tuple[Beta, Beta] = (0.5, 0.999)
    decay_power: float = Field(ge=0, description="of the polynomial decay")
    decay_unit: Literal["step", "epoch"]
    loss: Literal["bootstrapped_cross_entropy", "cross_entropy"]
    bootstrap_k: PositiveInt = 4096
    bootstrap_threshold: float = Field(default=0.3, ge=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1, description="share of a label given to all classes alike")
    crop_hw: SizeHW | None = Field(description="random crop, padded with 0 and labels 255; null: none")
    pad_hw: SizeHW | None = Field(default=None, description="padding right and bottom, where there is no crop")
    scale_range: tuple[float, float]
    scale_probability: float = Field(default=0.5, ge=0, le=1)
    flip_probability: float = Field(default=0.5, ge=0, le=1)
    colour_jitter: float = Field(default=0.0, ge=0, le=0.5)
    rotation_degrees: float = Field(default=0.0, ge=0, le=180)
    colour_first: bool = Field(
        default=False,
        description="without a crop: flip and colour before the resize, as the released VOC recipe has it",
    )
    rotation_label: int = Field(default=255, ge=0, le=255, description="label of the area a rotation brings in")
    rare_class_temperature: float | None = Field(
        default=None, gt=0, description="crops drawn around rare classes, the more so the lower; null: at random"
    )
    ema_decay: float | None = Field(
        default=None, gt=0, lt=1, description="score and keep the exponential moving average of the weights; null: none"
    )
    train_split: str = Field(description="one split, or several joined with '+'")
    void: Literal["class", "ignore"] = Field(description="whether pixels of no class are one more class")
    selection: Literal["last", "best"] = Field(default="last", description="which epoch's weights are kept")
    selection_split: str | None = Field(default=None, description="the split that is scored for 'best'")
    validation_split: str | None = Field(default=None, description="a split scored for its curve, chosen on or not")
    validate_every: PositiveInt = Field(default=1, description="epochs between scores")
    backbone: str | None = Field(default=None, min_length=1, description="a timm model in place of the variant's own")
    pretrained_backbone: bool = True
    slices: Literal["released", "described"] = "released"
    stochastic_depth: float = Field(default=0.2, ge=0, lt=1)
    dropout: float | None = Field(default=None, ge=0, lt=1, description="null: the backbone's own")
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    channels_last: bool = True
    cuda_graph: bool = Field(default=True, description="on a GPU, replay a captured step: faster, the same weights")
    synchronized_batch_norm: bool = Field(default=True, description="statistics of the whole batch over processes")
    threads: PositiveInt | None = Field(
        default=None, le=MAX_THREADS, description="torch's threads on a CPU; null: all cores"
    )
    workers: int | None = Field(
        default=None, ge=0, le=MAX_THREADS, description="loading processes; null: chosen from the machine"
    )
    pixel_cache: bool = Field(default=True, description="keep decoded images beside the dataset")
    checkpoint_every_s: float = Field(default=60.0, gt=0, description="seconds between checkpoints, at least")
    checkpoint_every_steps: PositiveInt | None = Field(
        default=None, description="a checkpoint after every so many steps"
    )
    gradient_bound: float | None = Field(default=None, gt=0, description="stop where the gradient's norm exceeds it")
    constant_prediction_steps: PositiveInt | None = Field(
        default=1000, description="stop when one class alone was predicted for so many steps; null: never"
    )

    @model_validator(mode="after")
    def _fits_together(self) -> "Recipe":
        if self.images_per_epoch < self.batch:
            raise ValueError(f"images_per_epoch ({self.images_per_epoch}) is smaller than batch ({self.batch})")
        if self.batch % self.accumulate:
            raise ValueError(f"batch ({self.batch}) cannot be cut into {self.accumulate} equal parts (accumulate)")
        if not 0 < self.scale_range[0] <= self.scale_range[1]:
            raise ValueError("scale_range must be two positive numbers, the smaller one first")
        if self.crop_hw is None and self.pad_hw is None and self.batch > 1:
            raise ValueError("one of crop_hw and pad_hw is needed where batch is over 1")
        if self.selection == "best" and self.selection_split is None:
            raise ValueError("selection 'best' needs a selection_split")
        if self.selection == "best" and self.validation_split not in (None, self.selection_split):
            raise ValueError("with selection 'best' the scored split is selection_split; leave validation_split out")
        return self

    def scaled(self, factor: float) -> "Recipe":
        """The same recipe with `factor` times its images, the learning rate falling along the same curve.

        Where the rate falls by the epoch, epochs get shorter, else there are fewer.
        """
        if not 0 < factor < float("inf"):
            raise UserError(
                f"--scale is {factor:g}; give a number above 0, for example 0.1 for a tenth of the schedule"
            )
        images = self.epochs * self.images_per_epoch * factor
        epochs = self.epochs if self.decay_unit == "epoch" else max(1, round(self.epochs * factor))
        per_epoch = max(1, round(images / epochs / self.batch)) * self.batch
        return self.model_copy(update={"epochs": epochs, "images_per_epoch": per_epoch})

    @property
    def scored_split(self) -> str | None:
        """The split that epochs are scored on, for the choice or only for its curve."""
        return self.selection_split if self.selection == "best" else self.validation_split

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in an epoch; images that do not fill a batch are left out."""
        return self.images_per_epoch // self.batch

    @property
    def steps(self) -> int:
        return self.epochs * self.steps_per_epoch


def settings_of(recorded: dict[str, Any]) -> dict[str, Any]:
    """The settings of a recorded recipe that say what is trained; what its version could not set is the default."""
    defaults = {key: field.default for key, field in Recipe.model_fields.items() if not field.is_required()}
    return {key: value for key, value in (defaults | recorded).items() if key not in WITHOUT_EFFECT}


def load_recipe(variant: str, overrides: dict[str, Any] | None = None) -> Recipe:
    """The released recipe of a variant, or the one an ablation or a rival takes, with a campaign's `training:` values.

    Raises :class:`UserError` naming the first key or value that does not fit.
    """
    file = files("hyperseg.training") / "recipes" / f"{recipe_of(variant)}.yaml"
    released = parse_yaml(file.read_text(encoding="utf-8"), f"recipe {recipe_of(variant)}")
    if (slices := get_network(variant).slices) is not None:
        released = {"slices": slices} | released
    changes = dict(overrides or {})
    for key in FIXED:
        if key in changes:
            raise UserError(
                f"training.{key} cannot be set: it names the released recipe; remove it from the configuration"
            )
    return _validated(released | changes)


def _validated(content: dict[str, Any]) -> Recipe:
    """The recipe of these values. Raises :class:`UserError` naming the first that does not fit."""
    try:
        return Recipe.model_validate(content)
    except ValidationError as error:
        key, message = first_problem(error)
        where = f"training.{key}" if key else "training"
        if error.errors()[0]["type"] == "extra_forbidden":
            known = ", ".join(k for k in Recipe.model_fields if k not in FIXED)
            raise UserError(f"unknown key {where} in the configuration; choose one of {known}") from error
        raise UserError(f"{where} in the configuration does not fit: {message}") from error


def for_dataset(
    recipe: Recipe, chosen: Collection[str], dataset: str, labelled: Sequence[str]
) -> tuple[Recipe, list[str]]:
    """The recipe on a dataset, and what a reader of its numbers must know, one sentence each.

    A dataset that the recipe was not published on trains on `train` and keeps the epoch that is best on `val`, or the
    last one where there is no `val`, whatever the published recipe joins and selects on; `chosen` keys, which the user
    set, stay. `labelled`: the splits that have labels. Raises :class:`UserError`.
    """
    notes = []
    if dataset not in recipe.datasets:
        changes: dict[str, Any] = {} if "train_split" in chosen else {"train_split": "train"}
        train = changes.get("train_split", recipe.train_split).split("+")
        split = "val" if "val" in labelled and "val" not in train else None
        if "selection" not in chosen:
            changes |= {"selection": "best" if split or "selection_split" in chosen else "last"}
        if "selection_split" not in chosen:
            changes |= {"selection_split": split}
        recipe = _validated(recipe.model_dump() | changes)
        kept = f"the epoch that is best on {recipe.selection_split}" if recipe.selection == "best" else "the last epoch"
        notes.append(f"{recipe.id} was not published on {dataset}: trained on {recipe.train_split}, {kept} is kept")
    if recipe.selection == "best" and recipe.selection_split:
        trained = set(recipe.selection_split.split("+")) & set(recipe.train_split.split("+"))
        if trained:
            raise UserError(
                f"training.selection_split {recipe.selection_split} holds {'+'.join(sorted(trained))}, which is "
                "trained on; choose another split or set training.selection to last"
            )
        notes.append(
            f"the epoch is chosen by its score on {recipe.selection_split}: this training's score on that split is not "
            "that of unseen images"
        )
    return recipe, notes
