"""Freed memory is kept: the same allocation costs no new pages."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource, torch
from hyperseg.allocator import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
for _ in range(16):  # until the kept memory has room for aligned blocks
    torch.zeros(12, 1024, 1024)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    torch.zeros(12, 1024, 1024)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(keep: bool) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM.format(keep=keep)], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_a_second_allocation_takes_no_new_pages() -> None:
    assert faults(keep=True) < faults(keep=False) / 10
