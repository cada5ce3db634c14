"""Kernels attached to the plain networks of `hyperseg.models`: `native` is C++ for a CPU."""
