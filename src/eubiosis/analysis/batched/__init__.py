"""Many trials of one plan analysed together: the numbers of the single analyses, in much less time."""
