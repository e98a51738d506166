"""Who calls, what they may do, and what nobody may see."""
