"""What does a whole study say, on pages a board can read? What needs both wings lives here."""

from commonground.dashboard.running import run_study as run_study

__all__ = ["run_study"]
