"""The version of the software, where every package can read it."""

__version__ = "0.1.0"
