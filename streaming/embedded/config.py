"""What the embedded media server is told at start; it reads no settings and no environment itself."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of time (seconds) and size (bytes, counts) that keep one peer from hurting the others."""

    setup_seconds: float = 5.0
    media_idle_seconds: float = 15.0
    keepalive_seconds: float = 15.0
    # An entry or viewer waits this long for a publisher that was asked for (protocol.md section 4).
    wait_seconds: float = 8.0
    # A publisher that returns within this time continues the stream of its viewers. An ffmpeg restarted by its
    # gateway is away for about a second; the platform has to hear of an end within two.
    grace_seconds: float = 1.5
    slow_viewer_seconds: float = 10.0
    audio_wait_ms: int = 500

    setup_bytes: int = 64 * 1024
    message_bytes: int = 4 * 1024 * 1024
    gop_bytes: int = 4 * 1024 * 1024
    gop_tags: int = 3000
    viewer_transport_bytes: int = 256 * 1024
    viewer_queue_bytes: int = 1024 * 1024
    send_buffer_bytes: int = 256 * 1024

    rtmp_connections: int = 2000
    rtmp_pending_per_address: int = 128
    http_connections: int = 4000

    hls_segment_seconds: float = 3.0
    hls_segments: int = 5
    hls_kept_segments: int = 9
    hls_idle_seconds: float = 20.0
    hls_bytes: int = 48 * 1024 * 1024

    hook_queue: int = 2000
    hook_seconds: float = 3.0
    hook_tries: int = 3
    shutdown_seconds: float = 0.7


@dataclass(frozen=True, slots=True)
class MediaConfig:
    """Ports 0 mean any free one. `platform_url` empty: nobody is told and nobody is asked."""

    bind_host: str
    rtmp_port: int
    http_port: int
    play_keys: tuple[str, ...] = field(repr=False)
    publish_key: str = field(repr=False)
    hls_key: str = field(repr=False)
    secret: str = field(repr=False)
    # With one of these a CDN takes streams for its own viewers.
    origin_keys: tuple[str, ...] = field(default=(), repr=False)
    hls_session_seconds: int = 3600
    platform_url: str = ""
    name: str = "embedded"
    cors_origins: tuple[str, ...] = ("*",)
    # PEM files with which the HTTP side serves TLS; without them it speaks plain HTTP.
    cert_file: str = ""
    key_file: str = ""
    # Publishers over TLS (RTMPS) with the same files, beside the plain port; None: not served.
    rtmps_port: int | None = None
    # Against which the platform's certificate is verified; without it the system's CAs.
    platform_ca_file: str = ""
    # Networks of proxies in front of the HTTP side whose X-Forwarded-For is believed.
    trusted_proxies: tuple[str, ...] = ()
    # HTTP connections from one address; 0: as many as there may be in all.
    http_per_address: int = 1000
    # Networks from which there may be as many: this machine, other machines of the platform.
    unlimited_networks: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    limits: Limits = Limits()
