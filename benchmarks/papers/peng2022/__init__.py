"""Peng et al. 2022: what their claims come to on other swept bands."""
