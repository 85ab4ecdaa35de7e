"""Running jobs at their times, exactly once. The jobs themselves are defined by their owners."""
