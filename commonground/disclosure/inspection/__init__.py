"""Answers: what would an attacker find in the bytes that are about to be handed round.

Shares no code with the renderers: each format is read from its bytes.
"""

from __future__ import annotations

from .expectation import Expectation, Finding, boundary_vertices
from .needles import Needles
from .walk import inspect, inspect_bytes, inspect_folder

__all__ = [
    "Expectation", "Finding", "Needles", "boundary_vertices", "inspect", "inspect_bytes", "inspect_folder",
]  # fmt: skip
