"""People and promotions: to whom a question is left. What they decide is in `decisions` beside this folder."""
