"""`make gpu`: every figure of a GPU from one session of minutes, in pieces that are each complete in themselves.

``plan`` says what is measured, in what order and how long each piece may take; ``session`` runs the pieces as
processes of their own, keeps what was done and goes on from there; ``pieces`` are those processes, ``answers`` one of
them; ``summary`` prints the records; ``pack`` cuts the folder into files small enough to send. ``python -m
hyperseg.gpu`` runs from a source tree where nothing is installed but torch, timm, pydantic and what those bring.
"""
