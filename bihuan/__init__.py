"""bihuan (闭环): complaint follow-up that never forgets a promise, and improvement that is proved."""

__version__ = "0.1.0"
