"""Models of the kinds that people bring, and what becomes of them."""
