"""gridgov: places, incidents, and phones without signal. The version is told by /version and the API schema."""

__version__ = "0.1.0"
