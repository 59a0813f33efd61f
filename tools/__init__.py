"""What builds the course from its lessons: handouts, slides, executed notebooks."""
