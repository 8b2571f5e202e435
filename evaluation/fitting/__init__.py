"""What stands behind the regression of one series?"""
