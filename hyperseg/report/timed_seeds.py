"""Latencies of one network in one setting that differ in the trained weights alone: the seeds of a campaign.

They stay apart wherever all latencies are listed; where a network has one time, it is the first seed's.
"""

from hyperseg.report.collection import Collection, Key, Latency, latency_key


def weights_titles(collection: Collection) -> dict[str, str]:
    """Whose weights were timed, 'seed 1', by the name of each latency that another one has only that apart from.

    Where the training's record is not here, the weights are named by the first digits of their hash.
    """
    return {entry.name: _title(entry, collection) for group in _groups(collection) if len(group) > 1 for entry in group}


def of_one_seed(collection: Collection) -> list[Latency]:
    """The latencies, but of those that differ in trained weights alone the first seed's that is not INVALID.

    The least of several would make a network look the faster, the more seeds of it were timed.
    """
    left_out = set()
    for group in _groups(collection):
        sound = [entry for entry in group if entry.numbers.verdict.verdict != "INVALID"]
        left_out |= {entry.name for entry in group} - {(sound or group)[0].name}
    return [entry for entry in collection.latency if entry.name not in left_out]


def said_of_seeds(collection: Collection) -> str:
    """A sentence for the caption of what shows :func:`of_one_seed`; empty where no network has several seeds timed."""
    several = len(of_one_seed(collection)) < len(collection.latency)
    return " Of a network timed with the weights of several seeds, the time of the first one." if several else ""


def _groups(collection: Collection) -> list[list[Latency]]:
    """Latencies of trained weights by all else that tells them apart, the lowest seed first."""
    found: dict[Key, list[Latency]] = {}
    for entry in sorted(collection.latency, key=lambda entry: seed_order(entry, collection)):
        if entry.record.network.weights_sha256:
            found.setdefault(latency_key(entry)[:-1], []).append(entry)  # the weights' hash is the last part
    return list(found.values())


def seed_order(entry: Latency, collection: Collection) -> Key:
    """Sorts as :func:`latency_key` does, but trained weights that differ alone by their seeds."""
    seed = _seed(entry, collection)
    *setting, weights = latency_key(entry)
    return *setting, weights != "", seed is None, seed or 0, weights


def _seed(entry: Latency, collection: Collection) -> int | None:
    """The seed of the training whose weights were timed, if its record is here: a latency has none of its own."""
    training = collection.training_of(entry.record.network.weights_sha256)
    return training.record.seed if training else None


def _title(entry: Latency, collection: Collection) -> str:
    seed, weights = _seed(entry, collection), entry.record.network.weights_sha256 or ""
    return f"weights {weights[:8]}" if seed is None else f"seed {seed}"
