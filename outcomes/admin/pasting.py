"""What to paste into whatever sends to a source: its page shows it, and the first page of an empty workspace."""

from __future__ import annotations

from outcomes.models import Source

_SIGNED = """\
SECRET='whsec_...'
id="msg_$(date +%s)"; at="$(date +%s)"
body='{"usage": [{"item": "saved-carts", "actor": "u_1", "at": "'$(date -u +%FT%TZ)'"}]}'
signature="$(printf %s "$id.$at.$body" | SECRET="$SECRET" python3 -c 'import base64, hashlib, hmac, os, sys
key = base64.b64decode(os.environ["SECRET"].removeprefix("whsec_"))
print("v1," + base64.b64encode(hmac.new(key, sys.stdin.buffer.read(), hashlib.sha256).digest()).decode())')"
curl -s '{url}' -H 'content-type: application/json' \\
  -H "webhook-id: $id" -H "webhook-timestamp: $at" -H "webhook-signature: $signature" -d "$body"
"""

_PASTED = {
    "productops": _SIGNED,
    "segment": """\
pip install segment-analytics-python
python3 -c 'from segment.analytics import Client
client = Client("SECRET", host="{url}")
client.track("u_1", "Cart Saved")
client.shutdown()'
""",
    "posthog": """\
pip install posthog
python3 -c 'from posthog import Posthog
client = Posthog("SECRET", host="{url}")
client.capture("cart saved", distinct_id="u_1")
client.shutdown()'
""",
    "amplitude": """\
pip install amplitude-analytics
python3 -c 'from amplitude import Amplitude, BaseEvent, Config
client = Amplitude("SECRET", Config(server_url="{url}"))
client.track(BaseEvent("Cart Saved", user_id="u_1"))
client.shutdown()'
""",
    "mixpanel": """\
pip install mixpanel
python3 -c 'from mixpanel import Consumer, Mixpanel
Mixpanel("SECRET", Consumer(events_url="{url}/track")).track("u_1", "Cart Saved")'
""",
    "cloudevents": """\
curl -s '{url}' -H 'authorization: Bearer SECRET' -H 'content-type: application/cloudevents+json' \\
  -d '{"specversion": "1.0", "id": "'$(date +%s)'", "source": "/shop", "type": "cart.saved",
       "data": {"actor": "u_1"}}'
""",
    "custom": """\
curl -s '{url}' -H 'authorization: Bearer SECRET' -H 'content-type: application/json' \\
  -d '{"id": "'$(date +%s)'", "name": "Cart Saved", "actor": "u_1"}'
""",
    "unleash": "url={url}\nheader Authorization: SECRET\n",
    "flagsmith": "environment_key=SECRET\napi_url={url}\nenable_analytics=True\n",
    "launchdarkly": "base_uri={url}\nevents_uri={url}\nSDK key SECRET\nstream=False\n",
    "otlp": (
        "export OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/protobuf\n"
        "export OTEL_EXPORTER_OTLP_METRICS_ENDPOINT={url}\n"
        "export OTEL_EXPORTER_OTLP_METRICS_HEADERS=authorization=Bearer%20SECRET\n"
    ),
    "github": "Payload URL: {url}\nContent type: application/json\nSecret: SECRET\nEvents: Releases, Issues\n",
    "jira": "URL: {url}\nSecret: SECRET\nEvents: Issue created, Issue updated\n",
}


def paste_for(source: Source) -> str:
    """Lines that send a first thing to a source, its address filled in; the secret is the reader's to fill in."""
    return lines_for(source.kind, source.url)


def lines_for(kind: str, url: str) -> str:
    """The same for a source of a kind at an address."""
    return _PASTED[kind].replace("{url}", url)
