"""The commands of ``skdgm``, a module for each, and what they share."""
