"""Figures over many complaints: pandas in, values out."""
