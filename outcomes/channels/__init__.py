"""How a notice leaves the house: the wire, and a module a channel. Nothing here knows the database."""
