"""What removing documents does to the objective, to first order."""
