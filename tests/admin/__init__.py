"""The admin: who sees what, what is refused, and how it reads."""
