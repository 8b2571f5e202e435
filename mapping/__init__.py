"""Where: surfaces, change by area, access and gaps."""
