"""The whole of productops on one machine: PostgreSQL, Redis, web server, worker and clock under one roof.

`script/server` runs `python -m productops.local`, `script/test` runs `productops.local.testrun`. Settings
ask `server_urls()` where the embedded servers are, so every command finds them by itself. Nothing in this
package imports Django: it starts the processes that do.
"""

from __future__ import annotations

from productops.local.places import server_urls

__all__ = ["server_urls"]
