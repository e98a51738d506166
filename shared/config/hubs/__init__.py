"""The section `hubs`: storage accounts of teams beside the Data Hub, and the proof that none reaches production.

What arrives there may be scored, learned from and answered in environments that are experiments. It judges nothing, and
no training on it ships: that is proved at load, from the whole configuration, as the loop guard proves that nothing
loops.
"""
