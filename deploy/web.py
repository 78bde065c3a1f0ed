"""How the web server is started, by the demo and by `manage.py web_server`."""

# Each connection may hold a thread while its requests wait for their turn (access/serving.py), so there are
# as many threads as connections; they are made when needed, and end when they are not.
CONNECTIONS = 512


def granian_arguments(
    *, host: str, port: int, workers: int, log_level: str, cert_file: str = "", key_file: str = ""
) -> list[str]:
    arguments = [
        *("--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", str(workers), "--backpressure", str(CONNECTIONS)),
        *("--blocking-threads", str(CONNECTIONS), "--respawn-failed-workers"),
        *("--workers-kill-timeout", "2", "--log-level", log_level),
    ]
    if cert_file:
        arguments += ["--ssl-certificate", cert_file, "--ssl-keyfile", key_file]
        # Left alone granian refuses TLS 1.2, and with it many a client in the field.
        arguments += ["--ssl-protocol-min", "tls1.2"]
    return [*arguments, "province.wsgi:application"]
