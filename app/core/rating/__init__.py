"""How much a change matters: from what changed, and in which direction, to tags and a sensitivity from 1 to 5.

5 can admit strangers, hand over authentication, blind the audit stream or lock everybody out; 4 weakens a control or
moves people between network segments; 3 is security-relevant but bounded; 2 is routine; 1 is cosmetic.
"""

from app.core.rating.rate import Rating, rate

__all__ = ["Rating", "rate"]
