"""What scenes show of the model and nobody else asks for: computed here, so that scenes compute
nothing; the model itself needs none of it.

`one_thread` and `numbers`: what the followed thread reads and holds. `loads`: who fetches
which element, request by request. `tally`: how often each element has been loaded. `naive` and
`reuse`: what a tiling is compared with.
"""
