"""Measurements on real data and side-by-side timings; every number in docs comes from here."""
