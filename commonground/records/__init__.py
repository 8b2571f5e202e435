"""Which rows about people were handed over, and are they fit to count?

The only room in which rows about people exist. Identifiers become keyed pseudonyms at the door; free text is dropped.
"""

from commonground.records.model import KINDS as KINDS
from commonground.records.model import Records as Records
from commonground.records.reading import read_records as read_records

__all__ = ["KINDS", "Records", "read_records"]
