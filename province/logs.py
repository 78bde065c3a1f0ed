"""Where the processes log to: one line each on stderr, kept by whoever started them."""


def logging_at(level: str) -> dict[str, object]:
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django.request": {"level": "ERROR"},
            # At DEBUG it writes every token it issues (threats.md 4).
            "oauthlib": {"level": "INFO"},
        },
    }
