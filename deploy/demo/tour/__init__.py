"""Tricircle on the sandbox: start it all, and take the tour that a newcomer would take.

`top` starts Tricircle over the sandbox's pods, `scenario` runs the main job with the ordinary client, `whereabouts`
looks into the pods to tell what is where, `cli` is the command.
"""
