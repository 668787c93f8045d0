"""A sender of signed deliveries, as any integration would be one."""

from __future__ import annotations

import http.client
from time import sleep, time
from urllib.parse import urlsplit

from outcomes.sources.signatures import signed_headers

_TIMEOUT_SECONDS = 30
_ATTEMPTS = 5
_LONGEST_PAUSE_SECONDS = 5.0


class ServerAway(Exception):
    """Nobody answers at the address, or only that it cannot take anything now."""


class DeliveryRefused(Exception):
    """The server answered that it will not take this delivery."""


class Sender:
    """Posts to one source's URL over one connection."""

    def __init__(self, url: str, secret: str) -> None:
        address = urlsplit(url)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(address.netloc, timeout=_TIMEOUT_SECONDS)
        self._path = address.path
        self._site = f"{address.scheme}://{address.netloc}"
        self._secret = secret

    def close(self) -> None:
        self._connection.close()

    def post(self, message_id: str, body: bytes) -> None:
        """Post until it is taken. A repeat is taken as well. Raises ServerAway and DeliveryRefused."""
        trouble = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                sleep(min(_LONGEST_PAUSE_SECONDS, 0.5 * 2**attempt))
            try:
                status, answer = self._send(message_id, body)
            except (OSError, http.client.HTTPException) as error:
                # The connection is of no more use; the next attempt opens another.
                self._connection.close()
                trouble = str(error) or type(error).__name__
                continue
            if status == 202:
                return
            trouble = f"{status} {answer[:200]}"
            if status not in (429, 502, 503, 504):
                raise DeliveryRefused(f"{self._site} did not take delivery {message_id}: {trouble}")
        raise ServerAway(f"{self._site} does not take deliveries: {trouble}")

    def _send(self, message_id: str, body: bytes) -> tuple[int, str]:
        signed = signed_headers(self._secret, message_id, int(time()), body)
        self._connection.request("POST", self._path, body, {"Content-Type": "application/json", **signed})
        response = self._connection.getresponse()
        return response.status, response.read().decode(errors="replace")
