"""The environment, and the few settings that the others are made of."""

import hmac
from pathlib import Path

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()

# Folder of everything that is kept: database, pictures, logs.
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "var"))).absolute()
DEBUG = env.bool("DEBUG", default=False)
# A demo may run with keys made on the spot; production never with the defaults.
IS_DEMO = env.bool("IS_DEMO", default=False)
INSECURE_SECRET_KEY = "insecure-for-trials-only"  # noqa: S105  check access.E001 refuses it in production
SECRET_KEY = env.str("SECRET_KEY", default=INSECURE_SECRET_KEY)

# Scheme and host under which partners and browsers reach this platform.
PUBLIC_BASE_URL = env.str("PUBLIC_BASE_URL", default="http://127.0.0.1:8000").rstrip("/")


def derived_key(purpose: str) -> str:
    """The default of a key: a part of SECRET_KEY from which neither that nor another part can be told."""
    return hmac.new(SECRET_KEY.encode(), purpose.encode(), "sha256").hexdigest()
