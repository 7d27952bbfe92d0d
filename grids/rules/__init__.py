"""The ground's pure rules: codes, levels, datums, measures, coverages, the generator of cities. No Django, no clock, no files."""
