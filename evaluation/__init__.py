"""What changed: rates, series, panels, displacement, reporting, power and verdicts. Imports no drawing."""

from evaluation.changes import ChangeTest as ChangeTest
from evaluation.changes import change_test as change_test
from evaluation.dispersion import dispersion_from_counts as dispersion_from_counts
from evaluation.dispersion import share_dispersion as share_dispersion
from evaluation.displacement import wdd as wdd
from evaluation.displacement import wdd_harm as wdd_harm
from evaluation.panels import relative_rate_ratio as relative_rate_ratio
from evaluation.power import Design as Design
from evaluation.power import power as power
from evaluation.quotient import wdq as wdq
from evaluation.rates import rate_ratio as rate_ratio
from evaluation.rates import rate_ratios as rate_ratios
from evaluation.sources import reporting_ratio as reporting_ratio
from evaluation.reporting import reporting_sensitivity as reporting_sensitivity
from evaluation.series import interrupted_series as interrupted_series
from evaluation.shifts import shift_test as shift_test
from evaluation.synthetic import synthetic_control as synthetic_control
from evaluation.verdict import Evaluation as Evaluation
from evaluation.verdict import evaluate as evaluate

__all__ = [
    "ChangeTest", "Design", "Evaluation", "change_test", "dispersion_from_counts", "evaluate", "interrupted_series", "power",
    "rate_ratio", "rate_ratios", "relative_rate_ratio", "reporting_ratio", "reporting_sensitivity", "share_dispersion",
    "shift_test", "synthetic_control", "wdd", "wdd_harm", "wdq",
]  # fmt: skip
