"""How the models that come with the package were made: one file each."""
