"""What happened afterwards: facts in, values, verdicts and flags out. Builds on roadmap."""
