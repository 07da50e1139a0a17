"""Prefect tasks: one service call over one batch each."""
