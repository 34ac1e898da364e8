"""Sample events: seeded, in plausible order, every ``before`` equal to the last ``after``."""

from app.demo.cast import DEMO_CONTEXTS, DEMO_ORGANIZATION, DEMO_ORGANIZATION_NAME
from app.demo.generator import DEFAULT_UNTIL, generate
from app.demo.shapes import Shape

__all__ = ["DEFAULT_UNTIL", "DEMO_CONTEXTS", "DEMO_ORGANIZATION", "DEMO_ORGANIZATION_NAME", "Shape", "generate"]
