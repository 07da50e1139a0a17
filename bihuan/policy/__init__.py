"""How the business decides, as data: models, loader and the shipped defaults."""
