"""The demo: every process of the platform on one machine, with simulated cameras and a mock ministry."""
