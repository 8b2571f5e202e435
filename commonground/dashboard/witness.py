"""What must not be found in a study's files? Made from the live data, in memory only."""

from __future__ import annotations

from commonground.disclosure.inspection import Expectation
from commonground.study import Study

__all__ = ["expectation_of"]


def expectation_of(study: Study) -> Expectation:
    """Return what the attack on a study's files looks for."""
    del study
    return Expectation()
