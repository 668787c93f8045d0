"""Every knob, read from the environment once; a wrong value stops the start with its name.

`DATABASE_URL` and `REDIS_URL` point at servers that exist; when they are not set, the embedded
servers that `script/server` started are found through `productops.local`.
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import environ
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from outcomes.channels.addresses import networks
from productops import logs
from productops.api.origins import exact_origin
from productops.local import server_urls

BASE_DIR = Path(__file__).resolve().parent.parent

for _name, _value in server_urls().items():
    os.environ.setdefault(_name, _value)

env = environ.Env()

# Which kind of process this is: web processes hold a connection pool and short timeouts, a worker neither.
ROLE = env.str("PRODUCTOPS_ROLE", default="command")

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
# Where a frontend is served from that is not us: exact origins, such as https://app.example.com. They may call
# the API from a browser, with a person's session.
CORS_ORIGINS = [exact_origin(text) for text in env.list("CORS_ORIGINS", default=[])]
CSRF_TRUSTED_ORIGINS = [*env.list("CSRF_TRUSTED_ORIGINS", default=[]), *CORS_ORIGINS]
USE_X_FORWARDED_HOST = env.bool("BEHIND_PROXY", default=False)
if USE_X_FORWARDED_HOST:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_COOKIES = env.bool("SECURE_COOKIES", default=False)
SESSION_COOKIE_SECURE = SECURE_COOKIES
CSRF_COOKIE_SECURE = SECURE_COOKIES
SESSION_COOKIE_HTTPONLY = True
SESSION_ENGINE = "productops.workspaces.sessions"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

INSTALLED_APPS = [
    "productops.apps.DashboardConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "productops.workspaces",
    "roadmap",
    "outcomes",
]

MIDDLEWARE = [
    "productops.api.requests.RequestIdMiddleware",
    "productops.api.direct.DirectMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "productops.api.compression.CompressionMiddleware",
    "productops.api.cors.CorsMiddleware",
    "productops.api.limits.RateLimitMiddleware",
    "productops.api.errors.DependencyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "productops.workspaces.scope.AttributionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "productops.urls"
WSGI_APPLICATION = "productops.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "productops" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- PostgreSQL ---------------------------------------------------------------------------------------

DATABASES = {"default": env.db("DATABASE_URL")}
DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
# A 2xx promises that the bytes survive a crash, whatever the server's own default is.
_DURABLE = "-c synchronous_commit=on"
_TIMEOUTS = {
    "web": "-c statement_timeout=5s -c lock_timeout=2s -c idle_in_transaction_session_timeout=10s",
    "worker": "-c statement_timeout=25s -c lock_timeout=5s -c idle_in_transaction_session_timeout=25s",
}
_OPTIONS: dict[str, object] = {"application_name": f"productops-{ROLE}", "connect_timeout": 3}
if ROLE in _TIMEOUTS:
    _OPTIONS["options"] = f"{_TIMEOUTS[ROLE]} {_DURABLE}"
if ROLE == "web":
    # A pool that never waits long: a request without a connection in 3 s is answered 503, not left hanging.
    # Nor does it back off long (by itself up to five minutes): once the server is back, so is every process.
    _OPTIONS["pool"] = {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL_SIZE", default=8),
        "timeout": 3,
        "reconnect_timeout": 2,
    }
if ROLE == "worker":
    # Kept from task to task, with what was planned on it.
    DATABASES["default"]["CONN_MAX_AGE"] = 300
DATABASES["default"]["OPTIONS"] = {**DATABASES["default"].get("OPTIONS", {}), **_OPTIONS}
DATABASES["default"]["CONN_HEALTH_CHECKS"] = ROLE != "command"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Celery: a doorbell, never the queue --------------------------------------------------------------

REDIS_URL = env.str("REDIS_URL")
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = env.float("WORKER_SOFT_SHUTDOWN", default=5.0)
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1000
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# A worker takes from all unless it is told which (-Q). Notices have one of their own, in which waiting for slow
# receivers holds up nothing else; a larger installation gives files workers of their own, too.
CELERY_TASK_QUEUES: dict[str, dict[str, str]] = {"celery": {}, "files": {}, "notices": {}}
CELERY_TASK_ROUTES = {
    "outcomes.take_files": {"queue": "files"},
    "outcomes.send_notices": {"queue": "notices"},
}
CELERY_TASK_SOFT_TIME_LIMIT = 20
CELERY_TASK_TIME_LIMIT = 30
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "health_check_interval": 10,
    "socket_keepalive": True,
}
CELERY_TIMEZONE = "UTC"

# --- People, files, pages -----------------------------------------------------------------------------

AUTH_USER_MODEL = "workspaces.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "admin:login"

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
FORMAT_MODULE_PATH = ["productops.formats"]
USE_TZ = True

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STATICFILES_DIRS = [BASE_DIR / "productops" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "productops.static_files.PackedOnce"},
}
if ROLE != "web":
    # Commands and tests render pages without a collected manifest.
    STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

# --- API ----------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "productops.api.authentication.ApiKeyAuthentication",
        "productops.api.authentication.WorkspaceSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["productops.api.authentication.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["productops.api.rendering.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["productops.api.parsing.StrictJSONParser"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "productops.api.rendering.AnyAccept",
    "DEFAULT_SCHEMA_CLASS": "productops.api.schema.ProductopsSchema",
    "EXCEPTION_HANDLER": "productops.api.errors.handle_exception",
    "UNAUTHENTICATED_USER": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "productops",
    "DESCRIPTION": "Every roadmap item tied to the problem it is for and the outcome it was to move.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "WEBHOOKS": "outcomes.api.events.WEBHOOKS",
    # Fields of one name with different choices: `state` of a flag and of a delivery, say.
    "ENUM_NAME_OVERRIDES": {
        "Verdict": "outcomes.models.values.VERDICTS",
        "FlagState": "outcomes.models.flags.FLAG_STATES",
        "DeliveryState": "outcomes.models.deliveries.DELIVERY_STATES",
        "SourceHealth": "outcomes.services.health.HEALTH_STATES",
        "BulkRowStatus": "productops.workspaces.batches.ROW_STATUSES",
        "CandidateKind": "outcomes.models.rules.CANDIDATE_KINDS",
        "CandidateState": "outcomes.models.rules.CANDIDATE_STATES",
        "ItemStatus": "roadmap.rules.STATUSES",
        "ItemKind": "roadmap.rules.ITEM_KINDS",
        "EvidenceKind": "roadmap.rules.EVIDENCE_KINDS",
        "SourceKind": "outcomes.models.sources.SOURCE_KINDS",
        "MemberRole": "productops.workspaces.models.Role",
        "EffectVerdict": "outcomes.models.effects.EFFECT_VERDICTS",
        "EndpointChannel": "outcomes.models.endpoints.CHANNELS",
        "EndpointEvent": "outcomes.models.told.EVENTS",
        "NoticeEvent": "outcomes.models.told.TOLD_EVENTS",
        "NoticeState": "outcomes.models.notices.NOTICE_STATES",
        "FileKind": "outcomes.models.imports.FILE_KINDS",
        "FileState": "outcomes.models.imports.FILE_STATES",
        "OutcomeRole": "outcomes.models.outcomes.ROLES",
        "ExperimentState": "outcomes.models.experiments.EXPERIMENT_STATES",
        "ExperimentDecision": "outcomes.models.experiments.DECISIONS",
        "ExperimentVerdict": "outcomes.formulas.trials.TRIAL_VERDICTS",
    },
}

# --- productops ---------------------------------------------------------------------------------------

# The address people and integrations reach us at, for absolute links made outside a request.
PUBLIC_URL = env.str("PRODUCTOPS_URL", default="http://127.0.0.1:8000").rstrip("/")
# What one webhook request may weigh as sent, and unpacked.
WEBHOOK_MAX_BYTES = env.int("WEBHOOK_MAX_BYTES", default=1024 * 1024)
WEBHOOK_MAX_UNPACKED_BYTES = env.int("WEBHOOK_MAX_UNPACKED_BYTES", default=8 * 1024 * 1024)
# What one key, or one signed-in person, may ask of the API in a minute.
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", default=6000)
API_MAX_BYTES = env.int("API_MAX_BYTES", default=2 * 1024 * 1024)
# CSV files: how large one may be as it is sent, and up to what size it is taken while its sender waits.
IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", default=32 * 1024 * 1024)
IMPORT_AT_ONCE_BYTES = env.int("IMPORT_AT_ONCE_BYTES", default=256 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
# How far a webhook's signed time may lie from ours.
WEBHOOK_TOLERANCE = timedelta(minutes=5)
# By how much the worker gives way to the web server on the same machine, 0 to 19.
WORKER_NICENESS = env.int("WORKER_NICENESS", default=5)
# A delivery that failed this often is set aside, visible and replayable.
DELIVERY_MAX_ATTEMPTS = env.int("DELIVERY_MAX_ATTEMPTS", default=5)
# Days for which the bytes of a delivery are kept, and can be replayed; 0 keeps them for ever.
DELIVERY_BODY_DAYS = env.int("DELIVERY_BODY_DAYS", default=30)
# Months for which single observations and usage events are kept; 0 keeps them for ever. Days, verdicts, values
# and effects computed from them stay in any case.
FACT_MONTHS = env.int("FACT_MONTHS", default=0)
if DELIVERY_BODY_DAYS < 0 or FACT_MONTHS < 0:
    raise ImproperlyConfigured("DELIVERY_BODY_DAYS and FACT_MONTHS cannot be negative; 0 keeps all.")
if FACT_MONTHS and FACT_MONTHS * 30 < DELIVERY_BODY_DAYS:
    raise ImproperlyConfigured("FACT_MONTHS must reach as far back as DELIVERY_BODY_DAYS.")

# Networks that webhooks may go out to although they are private, such as 10.1.2.0/24; none unless they are named.
try:
    WEBHOOK_PRIVATE_NETWORKS = networks(env.list("WEBHOOK_PRIVATE_NETWORKS", default=[]))
except ValueError as error:
    raise ImproperlyConfigured(f"WEBHOOK_PRIVATE_NETWORKS: {error}") from error
# Days for which delivered and given up notices, and the log of attempts, are kept; 0 keeps them for ever.
NOTICE_DAYS = env.int("NOTICE_DAYS", default=30)
if NOTICE_DAYS < 0:
    raise ImproperlyConfigured("NOTICE_DAYS cannot be negative; 0 keeps all.")
# The mail server, such as smtp+tls://user:password@mail.example.com:587; without one, this machine's.
vars().update(env.email("EMAIL_URL", default="smtp://localhost:25"))
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("EMAIL_FROM", default="productops@localhost")

# Whoever reads /metrics shows this as a Bearer token; without one it answers this machine alone.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")

# JSON for what collects the log of web server, worker and clock; commands talk to a person.
LOG_FORMAT = env.str("LOG_FORMAT", default=logs.LINE if ROLE == "command" else logs.JSON)
if LOG_FORMAT not in logs.FORMATS:
    raise ImproperlyConfigured(f"LOG_FORMAT must be one of {', '.join(logs.FORMATS)}.")
LOGGING = logs.configuration(LOG_FORMAT, env.str("LOG_LEVEL", default="WARNING"))
