"""Is everything in a release old enough on the day that it is signed?"""

from __future__ import annotations

import datetime as dt

import pandas as pd

from commonground.disclosure import profile_named
from commonground.errors import CommonGroundError, NotReleasable
from commonground.release.escape import clean
from commonground.release.intact import Manifest

__all__ = ["check_lag"]


def check_lag(manifest: Manifest, day: dt.date) -> None:
    """Reckon the release lag of the profile again, from the day of the approval.

    Parameters
    ----------
    manifest : Manifest
        Its facts say ``policy``, ``as_of`` and ``periods`` (name to first day and first day after).
    day : date

    Raises
    ------
    NotReleasable
        When a period ended too recently; says from which day on the release can be signed.
    CommonGroundError
        When the manifest does not say how old the release is, or the day lies before the extracts.
    """
    facts = manifest.facts
    profile = profile_named(str(facts.get("policy")))
    try:
        extracted = dt.date.fromisoformat(facts["as_of"])
        ends = {str(name): dt.date.fromisoformat(days[1]) for name, days in facts.get("periods", {}).items()}
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        raise _incomplete() from None
    if profile.lag_months and not ends:
        raise _incomplete()
    if day < extracted:
        raise CommonGroundError("the day of the approval lies before the date of the extracts; correct it.")
    lag = pd.DateOffset(months=profile.lag_months)
    old_enough = {name: pd.Timestamp(end) + lag for name, end in ends.items()}
    late = [name for name, first in old_enough.items() if profile.lag_months and first > pd.Timestamp(day)]
    if late:
        raise NotReleasable(
            f"the period(s) {clean(', '.join(late))} ended less than {profile.lag_months} months before "
            f"{day:%-d %B %Y}, and nothing recent is handed round. Approve on or after "
            f"{max(old_enough[name] for name in late):%-d %B %Y}."
        )


def _incomplete() -> CommonGroundError:
    return CommonGroundError(
        "the manifest does not say of which periods the release is, or when the data were extracted, so its age cannot "
        "be checked; run the study again."
    )
