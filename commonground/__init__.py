"""Common Ground: local needs mapping and evaluation for the safety of people in sex work.

Records become tallies, tallies become results, results become protected values, and only those become files. The two
wings are imported by name: ``import mapping`` (where) and ``import evaluation`` (what changed).
"""

from commonground.aoristic import aoristic as aoristic
from commonground.areas import grid as grid
from commonground.areas import read_areas as read_areas
from commonground.areas import residents as residents
from commonground.areas import rings as rings
from commonground.disclosure import Plan as Plan
from commonground.disclosure import Protected as Protected
from commonground.disclosure import attacker_bounds as attacker_bounds
from commonground.disclosure import protect as protect
from commonground.errors import CommonGroundError as CommonGroundError
from commonground.errors import GeographyError as GeographyError
from commonground.errors import NotReleasable as NotReleasable
from commonground.errors import RecordsError as RecordsError
from commonground.errors import StudyError as StudyError
from commonground.formats import read_police_uk as read_police_uk
from commonground.periods import Period as Period
from commonground.pseudonyms import pseudonymise as pseudonymise
from commonground.records import Records as Records
from commonground.records import read_records as read_records
from commonground.study import Study as Study
from commonground.study import load_study as load_study
from commonground.tallies import Tally as Tally
from commonground.tallies import tally as tally

__all__ = [
    "CommonGroundError",
    "GeographyError",
    "NotReleasable",
    "Period",
    "Plan",
    "Protected",
    "Records",
    "RecordsError",
    "Study",
    "StudyError",
    "Tally",
    "aoristic",
    "attacker_bounds",
    "grid",
    "load_study",
    "protect",
    "pseudonymise",
    "read_areas",
    "read_police_uk",
    "read_records",
    "residents",
    "rings",
    "tally",
]
