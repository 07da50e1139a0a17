"""Decisions about one complaint: values in, values out."""
