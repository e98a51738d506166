"""Infrastructure as Bicep, the data that it loops over, and a checker that needs no compiler and no subscription."""
