"""Containment of experiments: what they may see, change, reach and use up, and the proof that it holds.

    means      of what containment can be built here, best first
    ground     what of the system every experiment may read
    sandbox    from a list of folders to the box that a keeper starts a command in
    proof      try to break out of each, and take the best that holds
    launcher   inside: builds the box around itself and becomes the command (stdlib only, with its four neighbours)

Not covered: a fault in the kernel itself, or in the driver of a GPU.
"""
