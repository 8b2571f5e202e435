"""How does one outcome of a study become a row, and the row a reading?"""
