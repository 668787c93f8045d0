"""What every endpoint shares: who calls, what is read, what is answered, and how a refusal looks."""
