"""Status of cameras, incidents and alarms on their way out (docs/alarms.md)."""

from province.environment import env

# --- Status ---------------------------------------------------------------------------------------------
# An offline shorter than this many seconds is no change for reports and alarms.
STATUS_BLIP_SECONDS = env.float("STATUS_BLIP_SECONDS", default=10)
# Seconds for which a gateway's "online" is believed without a stream.
STREAM_GRACE_SECONDS = env.float("STREAM_GRACE_SECONDS", default=60)

# --- Incidents (docs/alarms.md) ---------------------------------------------------------------------------
# Seconds for which one camera is away until that alone is an alarm.
OFFLINE_ALARM_SECONDS = env.float("OFFLINE_ALARM_SECONDS", default=300)
# Seconds for which cameras are away until they count for an incident of many.
INCIDENT_SECONDS = env.float("INCIDENT_SECONDS", default=30)
# From so many cameras on a group (gateway, road, company, media server) may be an incident.
INCIDENT_CAMERAS = env.int("INCIDENT_CAMERAS", default=5)
# From this share of its cameras on, of a gateway or of a road within a management office; half of it ends the incident.
INCIDENT_SHARE = env.float("INCIDENT_SHARE", default=0.5)
# The same of a whole company, a road of it, or a media server.
INCIDENT_WIDE_SHARE = env.float("INCIDENT_WIDE_SHARE", default=0.8)
# When more than this share of the companies is lost at once it is the province's; half of it ends the incident.
INCIDENT_PROVINCE_SHARE = env.float("INCIDENT_PROVINCE_SHARE", default=0.5)
# From so many cameras on an incident is critical.
INCIDENT_CRITICAL_CAMERAS = env.int("INCIDENT_CRITICAL_CAMERAS", default=100)
# Times within an hour that a camera goes away until it counts as flapping; half as many end it.
FLAPPING_TIMES = env.int("FLAPPING_TIMES", default=6)
# Seconds after the platform was down in which no incident begins: streams are on their way back.
INCIDENT_QUIET_SECONDS = env.float("INCIDENT_QUIET_SECONDS", default=180)
# Days for which incidents that ended are kept.
INCIDENT_KEEP_DAYS = env.int("INCIDENT_KEEP_DAYS", default=400)

# --- Alarms out (docs/alarms.md) --------------------------------------------------------------------------
# Seconds in which a webhook has to answer.
ALARM_SEND_SECONDS = env.float("ALARM_SEND_SECONDS", default=10)
# Hours after which something that could not be told is given up.
ALARM_DELIVERY_HOURS = env.float("ALARM_DELIVERY_HOURS", default=72)
# Days for which alarms that ended are kept.
ALARM_KEEP_DAYS = env.int("ALARM_KEEP_DAYS", default=400)
# SMTP server of mails; empty: none are sent.
EMAIL_HOST = env.str("EMAIL_HOST", default="")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
# STARTTLS, or TLS from the first byte; not both.
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
# Seconds for each step of sending.
EMAIL_TIMEOUT = env.float("EMAIL_TIMEOUT", default=10)
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default=EMAIL_HOST_USER or "video-cloud@localhost")
