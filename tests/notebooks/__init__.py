"""The notebooks: their shape, their parameters, and the proof of their outputs."""
