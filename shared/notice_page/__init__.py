"""How a letter of notices looks: as a mail, in HTML and as text, and as an adaptive card.

It stands alone: the words, the page and the card say the same, and nothing else of the app words anything for a mail.
"""
