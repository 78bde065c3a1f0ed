"""The roadside gateway: brings cameras to the platform, and obeys it."""

__version__ = "0.1.0"
