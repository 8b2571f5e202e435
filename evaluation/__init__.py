"""What changed: rates, series, panels, displacement, reporting, power and verdicts. Imports no drawing."""

from evaluation.captures import capture_counts, source_capture
from evaluation.changes import ChangeTest, change_test
from evaluation.clustering import people_and_events
from evaluation.consent import consent_shares
from evaluation.consistency import area_consistency
from evaluation.did import difference_in_differences
from evaluation.dispersion import dispersion_from_counts, share_dispersion
from evaluation.displacement import wdd, wdd_harm, wdd_shared_control
from evaluation.evidence import DesignFacts, EvidenceLevel, design_facts, evidence_level
from evaluation.exact_power import exact_power, smallest_ratios
from evaluation.kinds import displacement_kinds
from evaluation.panels import relative_rate_ratio
from evaluation.planner import plan
from evaluation.power import Design, power, smallest_detectable
from evaluation.pretrends import pretrend_check
from evaluation.quotient import wdq
from evaluation.rate_differences import rate_difference
from evaluation.rates import rate_ratio, rate_ratios
from evaluation.reporting import reporting_sensitivity
from evaluation.robustness import Diagnostic, e_value, robustness
from evaluation.series import interrupted_series
from evaluation.shifts import shift_test
from evaluation.shocks import Shock
from evaluation.simulation import power_curve, simulate_power
from evaluation.sources import reporting_ratio
from evaluation.synthetic import synthetic_control
from evaluation.tradeoffs import trade_offs
from evaluation.verdict import Evaluation, evaluate
from evaluation.visibility import smallest_displacement
from evaluation.weighted_differences import synthetic_did

__all__ = [
    "ChangeTest",
    "Design",
    "DesignFacts",
    "Diagnostic",
    "Evaluation",
    "EvidenceLevel",
    "Shock",
    "area_consistency",
    "capture_counts",
    "change_test",
    "consent_shares",
    "design_facts",
    "difference_in_differences",
    "dispersion_from_counts",
    "displacement_kinds",
    "e_value",
    "evaluate",
    "evidence_level",
    "exact_power",
    "interrupted_series",
    "people_and_events",
    "plan",
    "power",
    "power_curve",
    "pretrend_check",
    "rate_difference",
    "rate_ratio",
    "rate_ratios",
    "relative_rate_ratio",
    "reporting_ratio",
    "reporting_sensitivity",
    "robustness",
    "share_dispersion",
    "shift_test",
    "simulate_power",
    "smallest_detectable",
    "smallest_displacement",
    "smallest_ratios",
    "source_capture",
    "synthetic_control",
    "synthetic_did",
    "trade_offs",
    "wdd",
    "wdd_harm",
    "wdd_shared_control",
    "wdq",
]
