"""The report for those who sign: what there is, what is wasted, what can be freed, what it is worth."""
