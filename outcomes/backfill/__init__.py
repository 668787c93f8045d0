"""History out of a file and through the webhook, like anyone else's: rows, batches, signed posts.

A client: it knows the address and the secret of a source, and neither Django nor the database.
"""

from __future__ import annotations
