"""The console's door: who is signed in, signing in and out, and what no page does without.

``DoorKeeper.signed_in`` says who sent a request, ``DoorKeeper.guard`` puts its checks in front of a blueprint.
"""
