"""Common Ground: local needs mapping and evaluation for the safety of people in sex work."""
