"""What stands behind power: designs, chances and simulated studies?"""
