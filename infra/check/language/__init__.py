"""The subset of Bicep as text: tokens, the tree that they make, and the parser between them."""
