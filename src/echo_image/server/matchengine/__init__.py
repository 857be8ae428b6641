"""The shape in which MatchEngine speaks."""
