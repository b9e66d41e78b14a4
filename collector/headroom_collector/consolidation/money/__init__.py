"""What hosts cost a year, what each step saves, and over which years it pays."""
