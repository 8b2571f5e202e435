"""What stands behind panels of areas?"""
