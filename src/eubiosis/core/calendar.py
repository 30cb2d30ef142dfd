"""The year of every rate a year, and of its days and weeks."""

DAYS_PER_YEAR = 365.25
WEEKS_PER_YEAR = DAYS_PER_YEAR / 7
