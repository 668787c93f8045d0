"""The built-in demonstration: Ledgerline, a generated invoicing company, and how it gets into a database.

`story` and what it is made of are pure: everything is a function of the seed, the day of loading and the day
asked for. `loading` posts that story through the webhook of the running server, like any sender would.
"""
