"""What we decided, and why. Knows nothing of outcomes."""
