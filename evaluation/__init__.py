"""What changed: rates, series, panels, displacement, reporting, power and verdicts. Imports no drawing."""

from evaluation.changes import ChangeTest, change_test
from evaluation.dispersion import dispersion_from_counts, share_dispersion
from evaluation.displacement import wdd, wdd_harm, wdd_shared_control
from evaluation.kinds import displacement_kinds
from evaluation.panels import relative_rate_ratio
from evaluation.power import Design, power, smallest_detectable
from evaluation.quotient import wdq
from evaluation.rates import rate_ratio, rate_ratios
from evaluation.reporting import reporting_sensitivity
from evaluation.series import interrupted_series
from evaluation.shifts import shift_test
from evaluation.sources import reporting_ratio
from evaluation.synthetic import synthetic_control, synthetic_did
from evaluation.verdict import Evaluation, evaluate
from evaluation.visibility import smallest_displacement

__all__ = [
    "ChangeTest",
    "Design",
    "Evaluation",
    "change_test",
    "dispersion_from_counts",
    "displacement_kinds",
    "evaluate",
    "interrupted_series",
    "power",
    "rate_ratio",
    "rate_ratios",
    "relative_rate_ratio",
    "reporting_ratio",
    "reporting_sensitivity",
    "share_dispersion",
    "shift_test",
    "smallest_detectable",
    "smallest_displacement",
    "synthetic_control",
    "synthetic_did",
    "wdd",
    "wdd_harm",
    "wdd_shared_control",
    "wdq",
]
