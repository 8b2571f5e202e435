"""What changed: rates, series, panels, displacement and verdicts."""
