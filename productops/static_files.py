"""How static files are kept for the web server: fingerprinted, and packed beside the plain ones."""

from __future__ import annotations

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class PackedOnce(CompressedManifestStaticFilesStorage):
    """Packed with gzip alone: the highest grade of Brotli takes minutes over files that few ever fetch."""

    def create_compressor(self, **kwargs: Any) -> Compressor:
        return super().create_compressor(**{**kwargs, "use_brotli": False})
