"""Claims of the paper and of this project, each with the rule of its verdict."""
