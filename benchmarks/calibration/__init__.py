"""How often does each test of before and after raise a false alarm, and how often does it see a halving?"""
