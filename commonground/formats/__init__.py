"""Other people's files: how each is laid out, and how it becomes rows of ours."""

# tables first: records.reading imports it while the readers below import records
from commonground.formats.tables import RawTable as RawTable
from commonground.formats.tables import read_table as read_table

from commonground.formats.mps import read_mps_boroughs as read_mps_boroughs  # isort: skip
from commonground.formats.nhs import read_nhs_clinics as read_nhs_clinics  # isort: skip
from commonground.formats.nhs import read_nhs_pharmacies as read_nhs_pharmacies  # isort: skip
from commonground.formats.police_uk import read_police_uk as read_police_uk  # isort: skip

__all__ = ["RawTable", "read_mps_boroughs", "read_nhs_clinics", "read_nhs_pharmacies", "read_police_uk", "read_table"]
