"""Tempest against a bare pod and against Tricircle over pods, and what is lost on the way. See README.md."""
