"""The course: every idea of the lecture notes as a short story of prose, code and pictures."""

from chainrule.course.library import Story, names, open_story
from chainrule.course.runner import run

__all__ = ["Story", "names", "open_story", "run"]
