"""What models are told, and how text from outside stands in it.

brief        what a proposer is told, and the prompt that a model reads of it
briefing     from a run's facts to a brief
dossier      what a reviewer reads
telling      one experiment, as it is told in either
diagnostics  how the last experiment ran, in a few lines
quote        text from outside, between marks that it cannot close
preview      the prompt that an experiment had, or that the next one will have
"""
