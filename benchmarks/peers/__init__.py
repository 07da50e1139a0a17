"""Other people's programs beside ours: each in an environment of its own, none a dependency of the product."""
