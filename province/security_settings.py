"""Cookies, HTTPS, signing in of staff and the behaviour log (docs/security.md, docs/operation.md)."""

from pathlib import Path

from province.environment import DATA_DIR, IS_DEMO, PUBLIC_BASE_URL, derived_key, env

# --- Cookies and headers ----------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = False
SILENCED_SYSTEM_CHECKS = [
    # Our own port speaks TLS or nothing; where a proxy takes plain HTTP, redirecting is its business.
    "security.W008",
    # What other hosts of the domain serve is not ours to decide, nor its place on the list of browsers.
    *("security.W005", "security.W021"),
]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = PUBLIC_BASE_URL.startswith("https:")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "console.views.sign_in.csrf_failure"
# Port differs between platforms on one host, cookies do not: a name of its own keeps logins apart.
SESSION_COOKIE_NAME = env.str("SESSION_COOKIE_NAME", default="province_session")
CSRF_COOKIE_NAME = env.str("CSRF_COOKIE_NAME", default="province_csrf")

# --- TLS and proxies (docs/operation.md) ------------------------------------------------------------------
# PEM files with which web and media server serve HTTPS themselves; empty: plain HTTP, or a proxy in front.
TLS_CERT_FILE = env.str("TLS_CERT_FILE", default="")
TLS_KEY_FILE = env.str("TLS_KEY_FILE", default="")
# The same for the media server alone, where it has a name of its own.
MEDIA_TLS_CERT_FILE = env.str("MEDIA_TLS_CERT_FILE", default=TLS_CERT_FILE)
MEDIA_TLS_KEY_FILE = env.str("MEDIA_TLS_KEY_FILE", default=TLS_KEY_FILE)
# Addresses or networks of the proxies whose word on address and scheme of a client is believed; of nobody else's.
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
# Headers in which they give it.
FORWARDED_FOR_HEADER = env.str("FORWARDED_FOR_HEADER", default="X-Forwarded-For")
FORWARDED_PROTO_HEADER = env.str("FORWARDED_PROTO_HEADER", default="X-Forwarded-Proto")
# Seconds for which browsers shall come back over HTTPS only; sent over HTTPS only, 0 not at all.
SECURE_HSTS_SECONDS = env.int(
    "HSTS_SECONDS", default=31_536_000 if PUBLIC_BASE_URL.startswith("https:") else 0
)

# --- Signing in of staff (docs/security.md) --------------------------------------------------------------
SESSION_ENGINE = "access.sessions"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name}
    for name in (
        "access.password_rules.LengthRule",
        "access.password_rules.ClassesRule",
        "access.password_rules.UserNameRule",
        "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "django.contrib.auth.password_validation.CommonPasswordValidator",
        "access.password_rules.HistoryRule",
    )
]
# Fewest characters of a password, and of how many classes (upper, lower case, digits, others) they have to be.
PASSWORD_LENGTH = env.int("PASSWORD_LENGTH", default=10)
PASSWORD_CLASSES = env.int("PASSWORD_CLASSES", default=3)
# So many of the last passwords cannot be taken again.
PASSWORD_KEPT = env.int("PASSWORD_KEPT", default=5)
# Days after which a password has to be changed; 0: never.
PASSWORD_DAYS = env.int("PASSWORD_DAYS", default=0 if IS_DEMO else 90)
# Whether a password that somebody else set has to be changed at the first sign-in with it.
FIRST_PASSWORD_MUST_CHANGE = env.bool("FIRST_PASSWORD_MUST_CHANGE", default=not IS_DEMO)
# How new passwords are hashed: pbkdf2_sha256, or pbkdf2_sm3; others are hashed anew when their owner signs in.
PASSWORD_HASHER = env.str("PASSWORD_HASHER", default="pbkdf2_sha256")
_HASHERS = {
    "pbkdf2_sha256": "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "pbkdf2_sm3": "access.hashers.PBKDF2SM3PasswordHasher",
}
PASSWORD_HASHERS = sorted(_HASHERS.values(), key=lambda name: name != _HASHERS.get(PASSWORD_HASHER))
# Failures in a row before the next try has to wait: of a name from an address, of a name, from an address.
SIGN_IN_FAILURES = env.int("SIGN_IN_FAILURES", default=5)
SIGN_IN_FAILURES_OF_NAME = env.int("SIGN_IN_FAILURES_OF_NAME", default=30)
SIGN_IN_FAILURES_OF_ADDRESS = env.int("SIGN_IN_FAILURES_OF_ADDRESS", default=100)
# Seconds it has to wait then.
SIGN_IN_LOCK_SECONDS = env.int("SIGN_IN_LOCK_SECONDS", default=900)
# Roles that need a second factor: system, security, audit (三员), superuser, province, auditor, section, ptz, monitor.
SECOND_FACTOR_ROLES = env.list("SECOND_FACTOR_ROLES", default=[])
# Seconds without keyboard or mouse after which console and admin ask to sign in again.
CONSOLE_IDLE_SECONDS = env.int("CONSOLE_IDLE_SECONDS", default=1800)
# Days after which a big screen (access/screens.py), which is never idle, has to be signed in again.
SCREEN_SESSION_DAYS = env.int("SCREEN_SESSION_DAYS", default=30)

# --- Behaviour log (docs/security.md) --------------------------------------------------------------------
# Days the log is kept; check access.E023 allows no fewer than 180.
LOG_KEEP_DAYS = env.int("LOG_KEEP_DAYS", default=400)
# Key of the chain over the log, and earlier ones that still verify what they sealed.
LOG_CHAIN_KEY = env.str("LOG_CHAIN_KEY", default=derived_key("log chain"))
LOG_CHAIN_OLD_KEYS = env.list("LOG_CHAIN_OLD_KEYS", default=[])
# SM2 private key (64 hex digits) that signs the anchors of the chain.
LOG_ANCHOR_KEY = env.str("LOG_ANCHOR_KEY", default=derived_key("log anchor"))
# Folder outside the database, best on another machine, to whose file the head of the chain is added every hour.
LOG_ANCHOR_FOLDER = Path(env.str("LOG_ANCHOR_FOLDER", default=str(DATA_DIR / "anchors")))
# host:port of a syslog server (UDP) that is told as well; empty: none.
LOG_ANCHOR_SYSLOG = env.str("LOG_ANCHOR_SYSLOG", default="")
