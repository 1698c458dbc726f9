"""How the models that come with the package were made: a file each."""
