"""Ratios to the authors' checkout, taken in turns: one small module per part, one record per variant.

``setting`` is what a user asks for; ``networks`` makes ours and theirs with the same weights, and prepares engines;
``turns`` lets contenders take turns under the latency laboratory's conditions; ``inference``, ``training``,
``agreement`` and ``loading`` are the parts; ``goals`` holds the numbers against the goals; ``text`` prints them;
``run`` calls the parts in order and writes the record. Growth, peers and memory are measured by :mod:`hyperseg.latency`
alone.
"""
