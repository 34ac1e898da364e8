"""The protections, taken away one by one: for each, the change that takes it away and the tests that must then fail."""

from __future__ import annotations

from tests.security.mutation import Mutation
from tests.security.mutations_inside import INSIDE
from tests.security.mutations_outgoing import OUTGOING

MUTATIONS: tuple[Mutation, ...] = OUTGOING + INSIDE
