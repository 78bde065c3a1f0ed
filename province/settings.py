"""Every knob of the platform. The environment is read in this package and nowhere else.

Each own setting has a one-line comment with its unit. `DATABASE_URL` and `REDIS_URL` default to the
embedded PostgreSQL and Valkey below `DATA_DIR`; this file computes their addresses and starts nothing.
"""

from pathlib import Path

import django_stubs_ext

from deploy.services import database_url, redis_url
from province.environment import (  # noqa: F401 - settings as well
    BASE_DIR,
    DATA_DIR,
    DEBUG,
    INSECURE_SECRET_KEY,
    IS_DEMO,
    PUBLIC_BASE_URL,
    SECRET_KEY,
    env,
)
from province.environment import derived_key as _key
from province.incident_settings import *  # noqa: F403
from province.logs import logging_at
from province.security_settings import *  # noqa: F403

# Lets ModelAdmin, ModelForm and others be subscripted for the type checker.
django_stubs_ext.monkeypatch()

# --- Place and mode -----------------------------------------------------------------------------------
# Whether users, rights and logs are kept by three different people (三员), and superusers refused once they are there.
SEPARATE_DUTIES = env.bool("SEPARATE_DUTIES", default=not (IS_DEMO or DEBUG))
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
# PUBLIC_BASE_URL as seen from the media server, for its hooks.
PLATFORM_INTERNAL_URL = env.str("PLATFORM_INTERNAL_URL", default=PUBLIC_BASE_URL).rstrip("/")
# PEM file with the CA of that address, for whoever verifies it; empty: the CAs of the system.
PLATFORM_CA_FILE = env.str("PLATFORM_CA_FILE", default="")
# Name of the province, root of the organisation tree and title of the console.
PROVINCE_NAME = env.str("PROVINCE_NAME", default="示范省")

# --- Django -------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "province.apps.ProvinceAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "oauth2_provider",
    "rest_framework",
    "drf_spectacular",
    "django_htmx",
    "access",
    "cameras",
    "streaming",
    "snapshots",
    "ptz",
    "quality",
    "analysis",
    "acceptance",
    "rates",
    "cases",
    "incidents",
    "ministry",
    "console",
]
MIDDLEWARE = [
    # Before everything that asks for address or scheme.
    "access.proxies.TrustedProxyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "access.middleware.EnvelopeMiddleware",
    "access.middleware.PageSessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "access.middleware.PageAuthenticationMiddleware",
    "console.middleware.ViewAsMiddleware",
    "access.middleware.PageMessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "access.middleware.ContentSecurityPolicyMiddleware",
]
ROOT_URLCONF = "province.urls"
WSGI_APPLICATION = "province.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
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
LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
# Times to the second: a log has to show what came first.
FORMAT_MODULE_PATH = ["province.formats"]
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "access.User"
AUTHENTICATION_BACKENDS = ["access.backends.StaffBackend"]
LOGIN_URL = "console:login"
LOGIN_REDIRECT_URL = "console:wall"
LOGOUT_REDIRECT_URL = "console:login"

# --- Files and requests ----------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": env.str(
            "STATIC_STORAGE", default="whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
    # "snapshots" is added below.
}
# Largest request body in bytes; over it partners get code 400 (protocol.md section 7).
DATA_UPLOAD_MAX_MEMORY_SIZE = env.int("MAX_BODY_BYTES", default=20 * 1024 * 1024)
# Seconds in which a request body has to arrive, and bytes a second that a larger one has to keep up; over it 400.
BODY_SECONDS = env.float("BODY_SECONDS", default=30)
BODY_BYTES_PER_SECOND = env.int("BODY_BYTES_PER_SECOND", default=65_536)
# Bodies of one caller (partner, or address) under way at once in a process; over it 403.
BODIES_AT_ONCE = env.int("BODIES_AT_ONCE", default=64)
# Requests a web process works on at once, and how many of them for one caller; further ones wait in turn.
REQUESTS_AT_ONCE = env.int("REQUESTS_AT_ONCE", default=16)
CALLER_REQUESTS_AT_ONCE = env.int("CALLER_REQUESTS_AT_ONCE", default=8)

# --- Database, cache, broker ----------------------------------------------------------------------------
DATABASES = {"default": env.db_url("DATABASE_URL", default=database_url(DATA_DIR))}
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
REDIS_URL = env.str("REDIS_URL", default=redis_url(DATA_DIR))
CACHES = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}}

# --- OAuth 2.0 (document appendix 2) and the token ring -------------------------------------------------
OAUTH2_PROVIDER_APPLICATION_MODEL = "access.Application"
OAUTH2_PROVIDER = {
    "ACCESS_TOKEN_EXPIRE_SECONDS": 7200,
    "SCOPES": {"play": "播放地址", "ptz": "云台控制", "snapshot": "视频截图", "report": "数据上报"},
    "SCOPES_BACKEND_CLASS": "access.oauth.PartnerScopes",
    "OAUTH2_VALIDATOR_CLASS": "access.oauth.PartnerValidator",
    # Of all grants only client_credentials is served (access/oauth.py); what the others allow is closed as well.
    **{
        f"COMPLIANT_BCP_RFC9700_{what}": True
        for what in (
            *("TOKEN_STORAGE", "IMPLICIT_GRANT", "PASSWORD_GRANT", "PKCE_METHOD"),
            *("ACCESS_TOKEN_TRANSPORT", "AUTHZ_RESPONSE_ISS"),
        )
    },
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
}
# Key from which the tokens of partners are derived; changing it ends all of them.
TOKEN_SERVER_KEY = env.str("TOKEN_SERVER_KEY", default=_key("tokens"))
# Key (any text) under which secrets of other platforms are encrypted at rest.
STORED_SECRET_KEY = env.str("STORED_SECRET_KEY", default=_key("stored"))
# Earlier ones, which still open what they sealed until `manage.py reseal_secrets` has run.
STORED_SECRET_OLD_KEYS = env.list("STORED_SECRET_OLD_KEYS", default=[])
# Seconds in which a repeated exchange with the previous token still returns the same new one.
TOKEN_GRACE_SECONDS = env.int("TOKEN_GRACE_SECONDS", default=600)
# Seconds for which a token still opens after its successor was first used: for requests under way, and for
# processes that share a token and have not read the new one yet.
TOKEN_OVERLAP_SECONDS = env.int("TOKEN_OVERLAP_SECONDS", default=60)
# Days in which an expired token can still be exchanged.
TOKEN_EXCHANGE_DAYS = env.int("TOKEN_EXCHANGE_DAYS", default=30)
# Failed token exchanges per address and minute before further ones are refused.
TOKEN_FAILURES_PER_MINUTE = env.int("TOKEN_FAILURES_PER_MINUTE", default=60)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["access.authentication.PartnerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["access.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["access.renderers.EnvelopeRenderer"],
    "DEFAULT_PARSER_CLASSES": [],
    "DEFAULT_SCHEMA_CLASS": "access.schema.VerbSchema",
    "EXCEPTION_HANDLER": "access.handlers.envelope_exception_handler",
    "UNAUTHENTICATED_USER": None,
}

# --- Published schema of the interface (access/schema.py) ------------------------------------------------
SPECTACULAR_SETTINGS = {
    "OAS_VERSION": "3.1.1",
    "VERSION": "v1.0",
    "SERVERS": [{"url": PUBLIC_BASE_URL}],
    "PREPROCESSING_HOOKS": ["access.schema.only_verbs"],
    "POSTPROCESSING_HOOKS": ["access.schema.finished"],
}
# Whether anybody may read the schema and its page; off: staff who are signed in, and partners with their token.
API_DOCS_PUBLIC = env.bool("API_DOCS_PUBLIC", default=False)

# --- Streaming ------------------------------------------------------------------------------------------
# Signing keys of play URLs: main, then backup (both verify, the first signs).
PLAY_URL_KEYS = env.list("PLAY_URL_KEYS", default=[_key("play")])
# Seconds in which a play URL can be opened after issue (document 2.1); a partner may have its own.
PLAY_URL_TTL_SECONDS = env.int("PLAY_URL_TTL_SECONDS", default=5)
# Keys with which CDNs take streams from our media servers (back to the origin), as `origin_key` in the query.
PLAY_ORIGIN_KEYS = env.list("PLAY_ORIGIN_KEYS", default=[])
# Key of HLS session prefixes.
HLS_SESSION_KEY = env.str("HLS_SESSION_KEY", default=_key("hls"))
# Seconds an HLS session lasts after its entry URL was opened.
HLS_SESSION_SECONDS = env.int("HLS_SESSION_SECONDS", default=4 * 3600)
# Key that signs publish addresses; never one of the play keys.
MEDIA_PUBLISH_KEY = env.str("MEDIA_PUBLISH_KEY", default=_key("publish"))
# Seconds in which a gateway may (re)open a push with the authInfo it was given.
PUBLISH_AUTH_SECONDS = env.int("PUBLISH_AUTH_SECONDS", default=7 * 86400)
# Shared secret between platform and embedded media server.
MEDIA_SECRET = env.str("MEDIA_SECRET", default=_key("media"))
MEDIA_NAME = env.str("MEDIA_NAME", default="embedded")
MEDIA_BIND_HOST = env.str("MEDIA_BIND_HOST", default="127.0.0.1")
MEDIA_RTMP_PORT = env.int("MEDIA_RTMP_PORT", default=1935)
# Port for publishers over TLS (MEDIA_TLS_CERT_FILE, MEDIA_TLS_KEY_FILE), usually 443 or 1936; 0: not served.
MEDIA_RTMPS_PORT = env.int("MEDIA_RTMPS_PORT", default=0)
MEDIA_HTTP_PORT = env.int("MEDIA_HTTP_PORT", default=8080)
# Playing connections of the embedded media server from one address; 0: only the limit of all together (4000).
MEDIA_HTTP_PER_ADDRESS = env.int("MEDIA_HTTP_PER_ADDRESS", default=1000)
# Networks it does not hold for, beside TRUSTED_PROXIES: this machine, other machines of the platform.
MEDIA_UNLIMITED_NETWORKS = env.list("MEDIA_UNLIMITED_NETWORKS", default=["127.0.0.0/8", "::1/128"])
# Origins whose pages may play our streams.
MEDIA_CORS_ORIGINS = env.list("MEDIA_CORS_ORIGINS", default=["*"])
# Origins whose pages may call /service/ (none until configured).
SERVICE_CORS_ORIGINS = env.list("SERVICE_CORS_ORIGINS", default=[])
# Seconds within which an online camera has to show its first two pieces of 512 bytes (self-check of play addresses).
PLAY_CHECK_SECONDS = env.float("PLAY_CHECK_SECONDS", default=4)
# Seconds after the last viewer left until a high stream is finished.
HIGH_STREAM_IDLE_SECONDS = env.int("HIGH_STREAM_IDLE_SECONDS", default=20)
# Outgoing traffic that raises an alarm, kbit/s a camera (300 Mbit/s per 1,000 cameras); smaller ledgers count as 1,000.
EGRESS_KBPS_PER_CAMERA = env.int("EGRESS_KBPS_PER_CAMERA", default=300)
# Days for which peaks of viewers are kept.
VIEWER_PEAK_DAYS = env.int("VIEWER_PEAK_DAYS", default=400)
# VideoTransBegin orders a second to one gateway (ordered start).
PUSH_ORDERS_PER_SECOND = env.float("PUSH_ORDERS_PER_SECOND", default=6)
# Streams a second that are given another media server when theirs is gone.
STREAM_MOVES_PER_SECOND = env.float("STREAM_MOVES_PER_SECOND", default=100)
# Networks in which gateways may stand (threats.md 19).
GATEWAY_NETWORKS = env.list(
    "GATEWAY_NETWORKS", default=["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]
)
# Networks in which webhooks may stand that are told of alarms.
ALARM_NETWORKS = env.list("ALARM_NETWORKS", default=GATEWAY_NETWORKS)

# --- Snapshots ------------------------------------------------------------------------------------------
SNAPSHOT_ROOT = Path(env.str("SNAPSHOT_ROOT", default=str(DATA_DIR / "snapshots")))
# Seconds between two pictures of a camera (document 4.1 2.c: five minutes).
SNAPSHOT_PERIOD_SECONDS = env.int("SNAPSHOT_PERIOD_SECONDS", default=300)
# Days pictures are kept (document 4.1 2.c: not under 7).
SNAPSHOT_RETENTION_DAYS = env.int("SNAPSHOT_RETENTION_DAYS", default=7)
# Cameras of one capture task.
SNAPSHOT_SHARD_SIZE = env.int("SNAPSHOT_SHARD_SIZE", default=200)
# Seconds to wait for the first key frame of a stream.
SNAPSHOT_TIMEOUT_SECONDS = env.float("SNAPSHOT_TIMEOUT_SECONDS", default=6)
# Streams read at a time by one capture task, in all and of one media server; reading is mostly waiting. A media server
# meets as many times this as there are capture processes.
SNAPSHOT_READS_AT_ONCE = env.int("SNAPSHOT_READS_AT_ONCE", default=256)
SNAPSHOT_READS_PER_SERVER = env.int("SNAPSHOT_READS_PER_SERVER", default=192)
# JPEG quality, 1-100, where no rule for the kind of place says otherwise.
SNAPSHOT_JPEG_QUALITY = env.int("SNAPSHOT_JPEG_QUALITY", default=80)
# Where pictures lie: folder (SNAPSHOT_ROOT) or s3 (SNAPSHOT_S3_*).
SNAPSHOT_STORAGE = env.str("SNAPSHOT_STORAGE", default="folder")
# Bytes pictures may take; 0: as much as the disk has, in an object store without limit.
SNAPSHOT_QUOTA_BYTES = env.int("SNAPSHOT_QUOTA_BYTES", default=0)
# Percent of disk or quota from which staff are warned.
SNAPSHOT_WARN_PERCENT = env.float("SNAPSHOT_WARN_PERCENT", default=85)
SNAPSHOT_S3_BUCKET = env.str("SNAPSHOT_S3_BUCKET", default="")
# Address of the object store as this platform reaches it.
SNAPSHOT_S3_ENDPOINT = env.str("SNAPSHOT_S3_ENDPOINT", default="")
SNAPSHOT_S3_REGION = env.str("SNAPSHOT_S3_REGION", default="us-east-1")
SNAPSHOT_S3_ACCESS_KEY = env.str("SNAPSHOT_S3_ACCESS_KEY", default="")
SNAPSHOT_S3_SECRET_KEY = env.str("SNAPSHOT_S3_SECRET_KEY", default="")
# First part of all keys, so that a bucket may be shared.
SNAPSHOT_S3_PREFIX = env.str("SNAPSHOT_S3_PREFIX", default="snapshots").strip("/")
# How the bucket is named in addresses: path or virtual (as host).
SNAPSHOT_S3_ADDRESSING = env.str("SNAPSHOT_S3_ADDRESSING", default="path")
# PEM file with the CA of the object store; empty: the CAs of the system.
SNAPSHOT_S3_CA_FILE = env.str("SNAPSHOT_S3_CA_FILE", default="")
# Address of the object store as browsers and partners reach it; pictures are then fetched there by redirect.
SNAPSHOT_S3_PUBLIC_URL = env.str("SNAPSHOT_S3_PUBLIC_URL", default="").rstrip("/")
STORAGES["snapshots"] = (
    {
        "BACKEND": "snapshots.storage.bucket.BucketStorage",
        "OPTIONS": {
            "bucket_name": SNAPSHOT_S3_BUCKET,
            "endpoint_url": SNAPSHOT_S3_ENDPOINT or None,
            "region_name": SNAPSHOT_S3_REGION,
            "access_key": SNAPSHOT_S3_ACCESS_KEY,
            "secret_key": SNAPSHOT_S3_SECRET_KEY,
            "location": SNAPSHOT_S3_PREFIX,
            "addressing_style": SNAPSHOT_S3_ADDRESSING,
            "verify": SNAPSHOT_S3_CA_FILE or None,
            "public_url": SNAPSHOT_S3_PUBLIC_URL,
        },
    }
    if SNAPSHOT_STORAGE == "s3"
    else {"BACKEND": "snapshots.storage.folder.FolderStorage"}
)
# Whether each picture is forced to disk before its row is written; off: a power cut may cost the newest ones.
SNAPSHOT_FSYNC = env.bool("SNAPSHOT_FSYNC", default=False)
SNAPSHOT_URL_KEY = env.str("SNAPSHOT_URL_KEY", default=_key("snapshot"))
# Seconds a snapshot URL is valid; a partner may have its own.
SNAPSHOT_URL_TTL_SECONDS = env.int("SNAPSHOT_URL_TTL_SECONDS", default=3600)

# --- Online statistics -----------------------------------------------------------------------------------
# Days for which the figures of each camera and day are kept.
ONLINE_KEEP_DAYS = env.int("ONLINE_KEEP_DAYS", default=400)
# Days for which changes of cameras' status and image quality are kept; of older ones each camera's last.
HISTORY_KEEP_DAYS = env.int("HISTORY_KEEP_DAYS", default=400)

# --- PTZ ------------------------------------------------------------------------------------------------
# Seconds the province keeps control after its last order (document 4.1 2.b).
PTZ_LEASE_SECONDS = env.float("PTZ_LEASE_SECONDS", default=30)
# Seconds after which a movement is stopped unless renewed.
PTZ_MOVE_SECONDS = env.float("PTZ_MOVE_SECONDS", default=0.5)

# --- Image quality (docs/quality-operation.md) -----------------------------------------------------------
# Whether the platform judges its pictures itself; off, gateways and stream facts speak alone.
QUALITY_DIAGNOSIS = env.bool("QUALITY_DIAGNOSIS", default=True)
# Captures running without a picture of a stream that is there, until it counts as signal lost; and back.
QUALITY_LOST_CAPTURES = env.int("QUALITY_LOST_CAPTURES", default=3)
# Minutes after control of a camera ended in which its pictures are not judged.
QUALITY_MUTE_MINUTES = env.float("QUALITY_MUTE_MINUTES", default=10)
# Streams a minute of which some seconds are read for flicker and stripes.
QUALITY_BURSTS_PER_MINUTE = env.int("QUALITY_BURSTS_PER_MINUTE", default=60)
# Seconds read of each.
QUALITY_BURST_SECONDS = env.float("QUALITY_BURST_SECONDS", default=2)

# --- Analysis -------------------------------------------------------------------------------------------
# Days results of traffic analysis are kept.
ANALYSIS_KEEP_DAYS = env.int("ANALYSIS_KEEP_DAYS", default=30)

# --- Ministry -------------------------------------------------------------------------------------------
# Items of one report request.
MINISTRY_BATCH_SIZE = env.int("MINISTRY_BATCH_SIZE", default=100)
# Seconds in which a request must be answered, its last byte included; the lease of a claim follows from it.
MINISTRY_READ_SECONDS = env.float("MINISTRY_READ_SECONDS", default=10)
# Seconds from the full hour over which the hourly reports are spread (document 1.2, 1.3).
MINISTRY_HOURLY_SPREAD_SECONDS = env.int("MINISTRY_HOURLY_SPREAD_SECONDS", default=600)
# Seconds that something may wait before the backlog is an alarm.
MINISTRY_BACKLOG_ALARM_SECONDS = env.int("MINISTRY_BACKLOG_ALARM_SECONDS", default=600)
# Days for which every request to an upper platform stands in the delivery log.
MINISTRY_LOG_DAYS = env.int("MINISTRY_LOG_DAYS", default=90)

# --- Logging --------------------------------------------------------------------------------------------
LOGGING = logging_at(env.str("LOG_LEVEL", default="INFO"))

# --- Celery ---------------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TIMEZONE = TIME_ZONE
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Seconds after which another beat may take over from one that died.
BEAT_LOCK_SECONDS = 15
