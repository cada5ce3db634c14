"""The latency laboratory: protocols, clock, conditions, engines, verdict.

One number's way: a ``request`` is checked and laid out as points; the ``laboratory`` holds the device's ``lock`` and
starts fresh ``processes`` in turns; each ``worker`` builds a subject, puts its batch norms into the protocol's
reading, prepares an engine, and runs the ``clock`` while a side thread samples the ``conditions``; ``outcome`` makes
the record's numbers with the ``verdict`` and the ``roofline``; raw ``samples`` lie beside the record.
"""
