"""The plugin API: the only package a sink plugin may import."""
