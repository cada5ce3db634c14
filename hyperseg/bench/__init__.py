"""The benchmark beside the authors' checkout: one small module per part, one record per variant.

``setting`` is what a user asks for; ``networks`` makes ours and theirs with the same weights, and prepares engines;
``contest`` lets contenders take turns; ``goals`` holds the numbers against the goals; ``text`` prints them; ``run``
calls the parts in order and writes the record.
"""
