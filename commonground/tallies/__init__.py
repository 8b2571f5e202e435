"""How many, where and when: counts per area, period and category that add up, and know what nobody observed."""

from commonground.tallies.keys import MISSING as MISSING
from commonground.tallies.keys import UNITS as UNITS
from commonground.tallies.keys import count_keys as count_keys
from commonground.tallies.making import tally as tally
from commonground.tallies.model import Tally as Tally

__all__ = ["MISSING", "UNITS", "Tally", "count_keys", "tally"]
